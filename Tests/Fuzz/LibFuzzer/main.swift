import Glibc

/// libFuzzer itself, from its library without a `main`.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// The target of this process, by the environment variable PVBENCH_FUZZ_TARGET: the arguments are libFuzzer's.
private enum Chosen {
  nonisolated(unsafe) static let target: any FuzzTarget = {
    let name = getenv("PVBENCH_FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let type = FuzzTargets.all.first(where: { $0.name == name }) else {
      fatalError("PVBENCH_FUZZ_TARGET is '\(name)', which is none of `pvbench-fuzz --targets`")
    }
    do { return try type.init() } catch { fatalError("cannot make the target \(name): \(error)") }
  }()
}

if CommandLine.arguments.dropFirst() == ["--targets"] {
  for type in FuzzTargets.all { print(type.name) }
  exit(0)
}
var count = CommandLine.argc
var arguments = CommandLine.unsafeArgv
exit(
  runDriver(&count, &arguments) { bytes, count in
    // An error is an input's end like any other: what the product refuses, it refuses.
    // SAFETY: libFuzzer gives `count` bytes, copied before anything looks at them.
    try? Chosen.target.run(FuzzInput([UInt8](UnsafeBufferPointer(start: bytes, count: count))))
    return 0
  })
