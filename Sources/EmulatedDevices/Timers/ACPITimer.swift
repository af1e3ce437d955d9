import DeviceModel

/// The ACPI power management timer (ACPI 6.5, 4.8.3.3): a 32-bit counter that runs freely at 3.579545 MHz and wraps around
/// every twenty minutes (TMR_VAL_EXT set in the FADT). Its status bit, and the SCI that it can raise when the highest bit
/// changes, belong to a register block that is not there: whoever reads the counter counts its turns.
public final class ACPITimer: Device {
  /// Ticks a second.
  public static let hertz: UInt64 = 3_579_545
  /// Ports that it takes.
  public static let portCount: UInt64 = 4

  private let clock: @Sendable () -> UInt64
  private let origin: UInt64

  /// A timer at zero. `clock` counts nanoseconds from any origin and never goes back.
  public init(clock: @escaping @Sendable () -> UInt64) {
    self.clock = clock
    origin = clock()
  }

  /// The counter, or some of its bytes, all of one moment; bytes beyond it read as 0xFF.
  public func read(at offset: Int, width: AccessWidth) -> UInt64 {
    let ones = UInt64.max >> UInt64(64 - 8 * width.rawValue)
    guard (0..<Int(Self.portCount)).contains(offset) else { return ones }
    let word = ~UInt64(~counter)
    let shifted = Int64(bitPattern: word) >> Int64(8 * offset)
    return UInt64(bitPattern: shifted) & ones
  }

  /// The counter is read-only.
  public func write(_ value: UInt64, at offset: Int, width: AccessWidth) {}

  private var counter: UInt32 {
    let product = (clock() &- origin).multipliedFullWidth(by: Self.hertz)
    let second: UInt64 = 1_000_000_000
    // The quotient fits: the frequency is below a gigahertz.
    return UInt32(truncatingIfNeeded: second.dividingFullWidth(product).quotient)
  }
}
