import Foundation

/// What the kernel has had read from storage for a thread.
enum StorageAccount {
  /// Bytes for the calling thread so far (proc(5), io: read_bytes); nil where the kernel keeps no such account.
  static func bytesRead() -> UInt64? {
    guard let text = try? String(contentsOfFile: "/proc/thread-self/io", encoding: .utf8) else { return nil }
    let name = "read_bytes: "
    return text.split(separator: "\n").first { $0.hasPrefix(name) }.flatMap { UInt64($0.dropFirst(name.count)) }
  }
}
