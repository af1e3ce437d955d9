import Glibc

/// A folder that is deleted, files and all, with this object. It lies beside the test program, because direct I/O is not
/// to be had everywhere under /tmp.
final class TemporaryFolder {
  let path: String

  struct CreationError: Error {
    let errno: Int32
  }

  init() throws {
    var template = Array("\(Self.programFolder)/pvbench-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw CreationError(errno: errno) }
    path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  deinit {
    for name in names { unlink("\(path)/\(name)") }
    rmdir(path)
  }

  /// Creates a file that holds `bytes`; its path.
  func file(_ name: String, _ bytes: [UInt8], mode: mode_t = 0o600) throws -> String {
    let path = "\(path)/\(name)"
    let descriptor = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw CreationError(errno: errno) }
    defer { close(descriptor) }
    guard write(descriptor, bytes, bytes.count) == bytes.count else { throw CreationError(errno: errno) }
    return path
  }

  /// A program that runs `script`. Only a link is made: a program that was just written may be "busy"
  /// (Tests/Fixtures/programs/script says why).
  func program(_ name: String, script: String) throws -> String {
    _ = try file("\(name).sh", Array(script.utf8))
    let path = "\(path)/\(name)"
    let tests = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    guard symlink("\(tests)/Fixtures/programs/script", path) == 0 else { throw CreationError(errno: errno) }
    return path
  }

  /// All of the file at `path`; empty where it cannot be read.
  static func contents(of path: String) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 20)
    while case let count = read(descriptor, &chunk, chunk.count), count > 0 { bytes += chunk[..<count] }
    return bytes
  }

  /// Where the running program lies.
  static let programFolder: String = {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink("/proc/self/exe", &buffer, buffer.count)
    let program = String(decoding: buffer.prefix(max(count, 0)).map(UInt8.init(bitPattern:)), as: UTF8.self)
    return program.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }
  }()

  private var names: [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      names.append(withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
    }
    return names
  }
}
