import CLinuxKVM
import Glibc

/// The kernel's own counters of one VM or one vCPU (KVM_GET_STATS_FD, api.rst 4.133; Linux 5.14). A counter that exists need
/// not count on every host: probe it with a known number of events.
public struct KVMStats: ~Copyable, Sendable {
  /// What a counter's value means.
  public enum Kind: UInt32, Sendable {
    /// Grows for ever.
    case cumulative = 0
    /// A state of the moment.
    case instant = 1
    /// The greatest value so far.
    case peak = 2
    /// Buckets of equal width; the value is their sum: how many events.
    case linearHistogram = 3
    /// Buckets of doubling width; the value is their sum: how many events.
    case logarithmicHistogram = 4
  }

  /// One counter.
  public struct Counter: Equatable, Sendable {
    /// The kernel's name, `exits`.
    public let name: String
    /// What its value means.
    public let kind: Kind
    fileprivate let offset: Int
    fileprivate let count: Int
  }

  /// All counters, in the kernel's order: the order of every snapshot.
  public let counters: [Counter]
  private let descriptor: Descriptor
  private let dataOffset: Int
  private var buffer: [UInt8]

  init(descriptor: consuming Descriptor) throws(KVMError) {
    var header = kvm_stats_header()
    try Self.check(withUnsafeMutableBytes(of: &header) { Self.read(descriptor.raw, at: 0, into: $0) })
    let nameSize = Int(header.name_size)
    let stride = MemoryLayout<kvm_stats_desc>.size + nameSize
    guard header.num_desc <= 4096, nameSize <= 1024 else { throw .statistics(errno: 0) }
    var table = [UInt8](repeating: 0, count: Int(header.num_desc) * stride)
    let tableOffset = Int(header.desc_offset)
    try Self.check(table.withUnsafeMutableBytes { Self.read(descriptor.raw, at: tableOffset, into: $0) })
    let counters = table.withUnsafeBytes { bytes in
      (0..<Int(header.num_desc)).compactMap { Self.counter(in: bytes, at: $0 * stride, nameSize: nameSize) }
    }
    let byteCount = counters.reduce(0) { max($0, $1.offset + 8 * $1.count) }
    guard byteCount <= 1 << 20 else { throw .statistics(errno: 0) }
    self.counters = counters
    self.dataOffset = Int(header.data_offset)
    self.buffer = [UInt8](repeating: 0, count: byteCount)
    self.descriptor = descriptor
  }

  /// Reads all counters, 0.5 µs. The vCPU may be running.
  public mutating func snapshot() throws(KVMError) -> [UInt64] {
    var values = [UInt64](repeating: 0, count: counters.count)
    try snapshot(into: &values)
    return values
  }

  /// Reads all counters into `values`, which has one place for each: nothing is allocated.
  public mutating func snapshot(into values: inout [UInt64]) throws(KVMError) {
    precondition(values.count == counters.count, "a snapshot has one value a counter")
    let (raw, start) = (descriptor.raw, dataOffset)
    try Self.check(buffer.withUnsafeMutableBytes { Self.read(raw, at: start, into: $0) })
    buffer.withUnsafeBytes { bytes in
      for index in counters.indices {
        // SAFETY: the buffer was made to hold the furthest counter.
        values[index] = (0..<counters[index].count).reduce(0) { sum, element in
          sum &+ bytes.loadUnaligned(fromByteOffset: counters[index].offset + 8 * element, as: UInt64.self)
        }
      }
    }
  }

  /// What happened between two snapshots, by name: the counters and histograms that moved. States and peaks have no
  /// difference and are left out.
  public func difference(from earlier: [UInt64], to later: [UInt64]) -> [String: UInt64] {
    var moved: [String: UInt64] = [:]
    for (counter, (before, after)) in zip(counters, zip(earlier, later))
    where counter.kind != .instant && counter.kind != .peak && after > before {
      moved[counter.name] = after - before
    }
    return moved
  }

  /// One descriptor of the table (struct kvm_stats_desc), nil where its kind is unknown.
  private static func counter(in bytes: UnsafeRawBufferPointer, at start: Int, nameSize: Int) -> Counter? {
    // SAFETY: the table holds every descriptor whole, and the buffer's own checks stand behind every load.
    let entry = bytes.loadUnaligned(fromByteOffset: start, as: kvm_stats_desc.self)
    guard let kind = Kind(rawValue: entry.flags & 0xf) else { return nil }
    let name = bytes[(start + MemoryLayout<kvm_stats_desc>.size)...].prefix(nameSize).prefix { $0 != 0 }
    return Counter(
      name: String(decoding: name, as: UTF8.self), kind: kind, offset: Int(entry.offset), count: Int(entry.size))
  }

  /// Fills all of `bytes`: nil, or the error number (0 for too few bytes).
  private static func read(_ raw: Int32, at offset: Int, into bytes: UnsafeMutableRawBufferPointer) -> Int32? {
    let count = pread(raw, bytes.baseAddress, bytes.count, offset)
    return count == bytes.count ? nil : count < 0 ? errno : 0
  }

  private static func check(_ code: Int32?) throws(KVMError) {
    if let code { throw .statistics(errno: code) }
  }
}
