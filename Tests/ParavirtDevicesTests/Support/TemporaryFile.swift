import Glibc

/// A file in the working directory that is deleted with this object.
final class TemporaryFile {
  let path: String

  struct CreationError: Error {}

  /// Creates the file with `content`.
  init(_ content: [UInt8]) throws {
    var template = Array("./.build/paravirt-test-XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    guard descriptor >= 0 else { throw CreationError() }
    defer { close(descriptor) }
    path = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    guard Glibc.write(descriptor, content, content.count) == content.count else { throw CreationError() }
  }

  deinit { unlink(path) }
}
