import Glibc

/// A file of the host and what to write into it.
public struct Setting: Equatable, Sendable {
  /// The file's path.
  public let path: String
  /// Its whole content, without a newline; where the file is a list with one word in brackets, that word.
  public let value: String

  /// `value` for the file at `path`.
  public init(path: String, value: String) {
    self.path = path
    self.value = value
  }

  /// What the file at `path` is set to now.
  public static func current(_ path: String) throws(HostFileError) -> String {
    let text = try HostFile.read(path)
    return HostConfiguration.bracketed(text) ?? text
  }

  /// Nil where the file may be written; otherwise why not.
  public var obstacle: HostFileError? {
    access(path, W_OK) == 0 ? nil : HostFileError(operation: .write, path: path, code: errno)
  }

  /// Writes the value as a shell's `echo` does, and has the kernel say that it took it.
  public func write() throws(HostFileError) {
    let file = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC)
    guard file >= 0 else { throw HostFileError(operation: .write, path: path, code: errno) }
    let bytes = Array((value + "\n").utf8)
    let count = Glibc.write(file, bytes, bytes.count)
    let code = count == bytes.count ? 0 : count < 0 ? errno : EIO
    // A file system with a cache of writes tells of a failure here.
    let closing = close(file) == 0 ? 0 : errno
    guard code == 0, closing == 0 else {
      throw HostFileError(operation: .write, path: path, code: code == 0 ? closing : code)
    }
    guard try Self.current(path) == value else { throw HostFileError(operation: .write, path: path, code: EINVAL) }
  }
}
