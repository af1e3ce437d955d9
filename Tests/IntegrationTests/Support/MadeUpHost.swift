import Foundation

/// A host made of a few files, for `pvbench doctor` to examine and to change; gone with this object.
final class MadeUpHost {
  /// Settings that --apply changes, in the order of the checks: path below the root, what is found, what is wanted.
  static let settings = [
    ("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave", "performance"),
    ("sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "schedutil", "performance"),
    ("sys/devices/system/cpu/cpufreq/boost", "1", "0"),
    ("sys/kernel/mm/ksm/run", "1", "0"),
  ]
  static let before = settings.map(\.1)
  static let after = settings.map(\.2)

  let root: URL
  private let library: String?

  /// - Parameter library: a program to preload (`killer`).
  init(preloading library: String? = nil) throws {
    self.library = library
    root = FileManager.default.temporaryDirectory.appending(path: "pvbench-doctor-\(UUID().uuidString)")
    let files = [
      "sys/devices/system/cpu/online": "0-1", "sys/module/kvm/parameters/nx_huge_pages": "Y",
      "proc/sys/kernel/random/boot_id": "one",
    ]
    for (path, text) in files { try write(text, to: path) }
    for (path, text, _) in Self.settings { try write(text, to: path) }
  }

  deinit { try? FileManager.default.removeItem(at: root) }

  /// Writes a file below the root, making its folders.
  func write(_ text: String, to path: String) throws {
    let file = root.appending(path: path)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data((text + "\n").utf8).write(to: file)
  }

  /// The file's text without its newline; nil where there is none.
  func read(_ path: String) -> String? {
    (try? String(contentsOf: root.appending(path: path), encoding: .utf8))?.trimmingCharacters(in: .newlines)
  }

  /// What the settings are now.
  var values: [String?] { Self.settings.map { read($0.0) } }

  /// The journals and leftovers in the folder of state.
  var state: Set<String> {
    let folder = root.appending(path: "var/lib/pvbench").path
    return Set((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
  }

  /// Runs `pvbench doctor` on it.
  func doctor(_ arguments: String..., environment: [String] = []) throws -> Child.Result {
    try pvbench(["doctor"] + arguments, environment: environment)
  }

  /// Runs `pvbench` on it.
  func pvbench(_ arguments: [String], environment: [String] = []) throws -> Child.Result {
    let preload = library.map { ["LD_PRELOAD=\($0)"] } ?? []
    return try Child.run(
      ["/usr/bin/env", "PVBENCH_HOST_ROOT=\(root.path)", "PVBENCH_KVM_PATH=/dev/null"] + preload + environment
        + ["\(TemporaryFolder.programFolder)/pvbench"] + arguments)
  }

  /// The library that kills its process at a call; compiled once.
  static let killer: Result<String, any Error> = Result {
    let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "Fixtures/doctor/kill_at_call.c").path
    let library = "\(TemporaryFolder.programFolder)/pvbench-test-killer.so"
    let command = "\"$(command -v clang || command -v cc)\" -shared -fPIC -O1 -o \"$1\" \"$0\""
    let environment = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    let result = try Child.run(
      ["/usr/bin/env", "PATH=\(environment)", "/bin/sh", "-c", command, source, library])
    guard result.status == 0 else { throw CompilerError(errors: result.errors) }
    return library
  }

  struct CompilerError: Error {
    let errors: String
  }
}
