import Synchronization

/// A guest's console, kept as text up to a limit.
final class ConsoleText: Sendable {
  private let bytes = Mutex<[UInt8]>([])
  private let limit: Int

  /// Keeps the first `limit` bytes.
  init(limit: Int) { self.limit = limit }

  func append(_ more: [UInt8]) {
    bytes.withLock { $0 += more.prefix(max(limit - $0.count, 0)) }
  }

  /// What was kept, without carriage returns.
  var text: String { bytes.withLock { bytes in String(decoding: bytes.filter { $0 != 0x0D }, as: UTF8.self) } }
}
