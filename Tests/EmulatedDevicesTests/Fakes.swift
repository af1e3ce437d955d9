import Backends
import DeviceModel
import EmulatedDevices

/// Remembers the level and every rising edge. One thread only.
final class FakeInterruptLine: InterruptLine, @unchecked Sendable {
  private(set) var isAsserted = false
  private(set) var risingEdges = 0

  func set(_ asserted: Bool) {
    risingEdges += asserted && !isAsserted ? 1 : 0
    isAsserted = asserted
  }
}

/// Collects what a serial port transmits.
final class FakeSerialSink: SerialSink {
  private(set) var bytes: [UInt8] = []

  func byte(_ value: UInt8) { bytes.append(value) }
}

/// A sparse medium of any size. A sector that was never written holds `pattern(sector:)`. It refuses to be accessed out
/// of range, counts such attempts, and fails where it is told to. One thread only.
final class FakeStorage: BlockStorage, @unchecked Sendable {
  let byteCount: UInt64
  var isReadOnly = false
  var failingReads: [UInt64: StorageError] = [:]
  var failingWrites: [UInt64: StorageError] = [:]
  var flushError: StorageError?

  private(set) var reads = 0
  private(set) var writes = 0
  private(set) var flushes = 0
  private(set) var accessesOutOfRange = 0
  private(set) var misalignedBuffers = 0
  private var written: [UInt64: [UInt8]] = [:]

  static let hostError = StorageError.system(operation: "pread", errno: 5)

  init(sectors: UInt64) { byteCount = sectors * 512 }

  static func pattern(sector: UInt64) -> [UInt8] {
    (0..<512).map { UInt8(truncatingIfNeeded: Int(truncatingIfNeeded: sector &* 7) &+ $0 &+ $0 >> 8) }
  }

  static func pattern(sectors: Range<UInt64>) -> [UInt8] { sectors.flatMap { pattern(sector: $0) } }

  func contents(of sector: UInt64) -> [UInt8] { written[sector] ?? Self.pattern(sector: sector) }

  func read(at offset: UInt64, into bytes: UnsafeMutableRawBufferPointer) throws(StorageError) {
    reads += 1
    for sector in try sectors(at: offset, UnsafeRawBufferPointer(bytes)) {
      if let error = failingReads[sector] { throw error }
      let start = Int(sector - offset / 512) * 512
      UnsafeMutableRawBufferPointer(rebasing: bytes[start..<(start + 512)]).copyBytes(from: contents(of: sector))
    }
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(StorageError) {
    writes += 1
    for sector in try sectors(at: offset, bytes) {
      if let error = failingWrites[sector] { throw error }
      let start = Int(sector - offset / 512) * 512
      written[sector] = [UInt8](bytes[start..<(start + 512)])
    }
  }

  func flush() throws(StorageError) {
    flushes += 1
    if let flushError { throw flushError }
  }

  func discard(at offset: UInt64, count: UInt64) throws(StorageError) {}

  private func sectors(at offset: UInt64, _ bytes: UnsafeRawBufferPointer) throws(StorageError) -> Range<UInt64> {
    misalignedBuffers += Int(bitPattern: bytes.baseAddress) % 4096 == 0 ? 0 : 1
    let end = offset.addingReportingOverflow(UInt64(bytes.count))
    guard !end.overflow, end.partialValue <= byteCount, offset % 512 == 0, bytes.count % 512 == 0, bytes.count > 0
    else {
      accessesOutOfRange += 1
      throw .outOfRange(offset: offset, count: bytes.count)
    }
    return (offset / 512)..<(end.partialValue / 512)
  }
}

/// A small seeded generator (SplitMix64), so that a failing sequence can be repeated.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
