import DeviceModel

/// The host's clock at a port, for a guest that compares its own with it. Reading the low half stamps the clock; the high half is
/// that of the last stamp, so that a pair of reads is one moment, that of its first exit.
public final class HostClockPort: Device {
  /// Ports that it takes: two words.
  public static let portCount: UInt64 = 8

  private let clock: @Sendable () -> UInt64
  private var stamp: UInt64 = 0

  /// A port of `clock`, which counts nanoseconds from any origin.
  public init(clock: @escaping @Sendable () -> UInt64) { self.clock = clock }

  /// The low half of now, or the high half of the last stamp, as words of 32 bits; all else is ones.
  public func read(at offset: Int, width: AccessWidth) -> UInt64 {
    switch (offset, width) {
    case (0, .long):
      stamp = clock()
      return stamp & 0xFFFF_FFFF
    case (4, .long): return stamp >> 32
    default: return .max >> UInt64(64 - 8 * width.rawValue)
    }
  }

  /// The clock is read-only.
  public func write(_ value: UInt64, at offset: Int, width: AccessWidth) {}
}
