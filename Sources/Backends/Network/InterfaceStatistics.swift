import Glibc

/// What a network interface has counted (/proc/net/dev, proc(5)), in the namespace of the thread that made this.
struct InterfaceStatistics: ~Copyable {
  private let descriptor: Int32
  private let name: String
  private static let longestTable = 64 << 10

  /// Of the interface `name`. The file belongs to the namespace in which it was opened, whoever reads it; a negative descriptor
  /// is a host that does not say.
  init(name: String) {
    descriptor = open("/proc/thread-self/net/dev", O_RDONLY | O_CLOEXEC)
    self.name = name
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// The counters at this moment; nil where they cannot be read or the interface is gone.
  var counters: NetworkPortCounters? {
    var bytes = [UInt8](repeating: 0, count: Self.longestTable)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    return count > 0 ? Self.counters(of: name, in: String(decoding: bytes[..<count], as: UTF8.self)) : nil
  }

  /// Reads a TAP interface's line: what it has received is what the guest has sent.
  static func counters(of name: String, in table: String) -> NetworkPortCounters? {
    for line in table.split(separator: "\n") {
      let halves = line.split(separator: ":", maxSplits: 1)
      guard halves.count == 2, halves[0].drop(while: { $0 == " " }) == name else { continue }
      let fields = halves[1].split(separator: " ").compactMap { UInt64($0) }
      guard fields.count >= 16 else { return nil }
      var counters = NetworkPortCounters()
      counters.sent = fields[1]
      // Dropped, and frames with a header that makes no sense (tun's frame errors).
      counters.droppedOutgoing = fields[3] + fields[5]
      counters.received = fields[9]
      counters.droppedIncoming = fields[11]
      return counters
    }
    return nil
  }
}
