// guestc SWIFTC SOURCES OUTPUT: builds the guest from SOURCES with the toolchain around SWIFTC and writes OUTPUT/guest.elf
// and OUTPUT/GuestELF.swift. No Foundation here: its Process was seen to hang on a child that had already exited.
import Glibc

func fail(_ message: String) -> Never {
  let line = "guestc: \(message)\n"
  _ = line.withCString { write(STDERR_FILENO, $0, strlen($0)) }
  exit(1)
}

guard CommandLine.arguments.count == 4 else { fail("usage: guestc SWIFTC SOURCES OUTPUT") }
let swiftc = CommandLine.arguments[1]
let sources = CommandLine.arguments[2]
let output = CommandLine.arguments[3]
let tools = String(swiftc[..<(swiftc.lastIndex(of: "/") ?? swiftc.startIndex)])
let triple = "x86_64-unknown-none-elf"

func run(_ tool: String, _ arguments: [String]) {
  var vector: [UnsafeMutablePointer<CChar>?] = ([tool] + arguments).map { strdup($0) } + [nil]
  defer { vector.forEach { free($0) } }
  var process: pid_t = 0
  let code = posix_spawn(&process, tools + "/" + tool, nil, nil, &vector, environ)
  guard code == 0 else { fail("cannot start \(tools)/\(tool): \(String(cString: strerror(code)))") }
  var status: Int32 = 0
  while waitpid(process, &status, 0) < 0 { if errno != EINTR { fail("waitpid failed") } }
  guard status == 0 else { fail("\(tool) failed") }
}

/// The files in a folder of SOURCES with this ending, sorted.
func files(in folder: String, ending: String) -> [String] {
  guard let directory = opendir("\(sources)/\(folder)") else { fail("cannot read \(sources)/\(folder)") }
  defer { closedir(directory) }
  var found: [String] = []
  while let entry = readdir(directory) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    if name.hasSuffix(ending) { found.append("\(sources)/\(folder)/\(name)") }
  }
  return found.sorted()
}

// Modules in the order of their imports; each sees only those before it.
for module in ["PVWire", "Drivers", "Workloads", "Guest"] {
  run(
    "swiftc",
    [
      "-target", triple, "-enable-experimental-feature", "Embedded", "-wmo", "-parse-as-library", "-O",
      "-swift-version",
      "6", "-warnings-as-errors", "-module-name", module, "-Xcc", "-ffreestanding", "-Xcc", "-mno-red-zone",
      "-Xfrontend",
      "-disable-stack-protector", "-Xfrontend", "-function-sections", "-module-cache-path", "\(output)/cache", "-I",
      output,
      "-I", "\(sources)/GuestKernel/include", "-I", "\(sources)/Kernels/include", "-emit-module", "-emit-module-path",
      "\(output)/\(module).swiftmodule",
      "-c",
      "-o", "\(output)/\(module).o",
    ] + files(in: module, ending: ".swift"))
}
let freestanding = [
  "-target", triple, "-ffreestanding", "-fno-stack-protector", "-mno-red-zone", "-O2", "-Wall", "-Werror",
]
var objects = ["PVWire", "Drivers", "Workloads", "Guest"].map { "\(output)/\($0).o" }
for source in files(in: "Boot", ending: ".S") + files(in: "GuestKernel", ending: ".S")
  + files(in: "GuestKernel", ending: ".c") + files(in: "Kernels", ending: ".c")
{
  let name = String(source[source.index(after: source.lastIndex(of: "/") ?? source.startIndex)...])
  objects.append("\(output)/\(name).o")
  run("clang", freestanding + ["-c", source, "-o", "\(output)/\(name).o"])
}
run(
  "ld.lld",
  ["-static", "--gc-sections", "--strip-all", "-z", "max-page-size=4096", "-T", "\(sources)/Guest/guest.ld"] + objects
    + ["-o", "\(output)/guest.elf"])

guard let file = fopen("\(output)/guest.elf", "rb") else { fail("no guest.elf") }
fseek(file, 0, SEEK_END)
var elf = [UInt8](repeating: 0, count: ftell(file))
rewind(file)
guard fread(&elf, 1, elf.count, file) == elf.count else { fail("cannot read guest.elf") }
fclose(file)

let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
var text: [UInt8] = []
for start in stride(from: 0, to: elf.count, by: 3) {
  let group = (0..<3).reduce(UInt32(0)) { $0 << 8 | (start + $1 < elf.count ? UInt32(elf[start + $1]) : 0) }
  for position in 0..<4 {
    text.append(start + position <= elf.count ? alphabet[Int(group >> UInt32(18 - 6 * position) & 63)] : 61)
  }
}
let source = """
  enum GuestELF {
    static let byteCount = \(elf.count)
    static let base64: StaticString = "\(String(decoding: text, as: UTF8.self))"
  }

  """
guard let target = fopen("\(output)/GuestELF.swift", "wb") else { fail("cannot write \(output)/GuestELF.swift") }
fputs(source, target)
fclose(target)
