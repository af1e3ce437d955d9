import Glibc

/// Why a file of /proc or /sys cannot be read or written.
public struct HostFileError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What was tried.
  public enum Operation: String, Sendable {
    case read, write
  }

  let operation: Operation
  let path: String
  let code: Int32

  /// A few words without the program's name.
  public var description: String {
    "cannot \(operation.rawValue) \(path): \(String(cString: strerror(code)).lowercased())"
  }
}

/// The one doorway to the small text files of /proc and /sys. What cannot be read is nil: a host need not have it.
enum HostFile {
  /// The whole file without surrounding white space; at most 1 MiB.
  ///
  /// - Parameter folder: a descriptor that relative paths start from.
  static func text(_ path: String, in folder: Int32 = AT_FDCWD) -> String? { try? read(path, in: folder) }

  /// The same, with the reason where it cannot be read.
  static func read(_ path: String, in folder: Int32 = AT_FDCWD) throws(HostFileError) -> String {
    let file = openat(folder, path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw HostFileError(operation: .read, path: path, code: errno) }
    defer { close(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16384)
    while bytes.count < 1 << 20 {
      let count = Glibc.read(file, &chunk, chunk.count)
      guard count >= 0 else { throw HostFileError(operation: .read, path: path, code: errno) }
      guard count > 0 else { break }
      bytes += chunk.prefix(count)
    }
    return trimmed(String(decoding: bytes, as: UTF8.self))
  }

  /// The file as a decimal number.
  static func number(_ path: String) -> Int? { text(path).flatMap { Int($0) } }

  /// The names in a folder, sorted; empty where it cannot be read.
  static func names(in folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      // SAFETY: readdir(3) fills d_name with a terminated string that is valid until the next call.
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// True where the path exists.
  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// True where the file or folder at the path may be read.
  static func canRead(_ path: String) -> Bool { access(path, R_OK) == 0 }

  /// The path without links, `.` and `..`; itself where it cannot be followed.
  static func canonical(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }

  /// What a symbolic link says, up to 255 bytes; nil where it is none.
  static func link(_ path: String) -> String? {
    var bytes = [CChar](repeating: 0, count: 255)
    let count = readlink(path, &bytes, bytes.count)
    return count < 0 ? nil : String(decoding: bytes.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Text without white space at either end.
  static func trimmed(_ text: some StringProtocol) -> String {
    var rest = text[...]
    while let last = rest.last, last.isWhitespace { rest.removeLast() }
    return String(rest.drop(while: \.isWhitespace))
  }
}
