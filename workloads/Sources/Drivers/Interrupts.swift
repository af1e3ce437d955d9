import GuestKernel

/// An interrupt as a driver sees it: a vector whose count moves, and on which one can sleep.
public struct Interrupt {
  /// The vector, whose handler in the kernel counts and ends the interrupt.
  public let vector: UInt8

  /// The interrupt of `vector`, whoever raises it.
  public init(vector: UInt8) { self.vector = vector }

  /// Interrupts so far.
  @inline(__always) public var count: UInt64 { pv_interrupt_count(vector) }

  /// Sleeps (HLT) until any interrupt arrives, unless this one's count already differs from `seen`.
  @inline(__always) public func wait(beyond seen: UInt64) { pv_wait(pv_interrupt_counter(vector), seen) }
}

/// The pair of 8259A interrupt controllers at their PC ports, vectors 0x20–0x2F (8259A data sheet).
public enum PIC {
  /// The first one's mask then.
  public static let initialMask: UInt8 = 0xFB

  /// Initialises both, with every line masked but the cascade.
  public static func initialize() {
    for (command, offset, wiring) in [(UInt16(0x20), UInt8(0x20), UInt8(4)), (0xA0, 0x28, 2)] {
      pv_out8(command, 0x11)  // ICW1: edge, cascade, ICW4 follows
      pv_out8(command + 1, offset)  // ICW2: vector offset
      pv_out8(command + 1, wiring)  // ICW3
      pv_out8(command + 1, 0x01)  // ICW4: 8086 mode
    }
    pv_out8(0x21, initialMask)
    pv_out8(0xA1, 0xFF)
  }

  /// Unmasks a line and returns the interrupt that it raises.
  public static func enable(line: UInt8) -> Interrupt {
    let port: UInt16 = line < 8 ? 0x21 : 0xA1
    pv_out8(port, pv_in8(port) & ~(1 << (line & 7)))
    return Interrupt(vector: 0x20 + line)
  }
}

/// The I/O APIC (82093AA data sheet).
public enum IOAPIC {
  private static let base: UInt = 0xFEC0_0000

  /// Routes an input to `vector` on the boot CPU, edge-triggered or by its level. The kernel ends an interrupt before a driver
  /// sees it, and a level that is still there comes again at once: only the vector whose handler acknowledges its device can do
  /// with levels (0x3F, kernel.S).
  public static func enable(input: UInt32, vector: UInt8, isLevel: Bool = false) -> Interrupt {
    write(0x10 + 2 * input + 1, 0)
    write(0x10 + 2 * input, UInt32(vector) | (isLevel ? 1 << 15 : 0))
    return Interrupt(vector: vector)
  }

  private static func write(_ register: UInt32, _ value: UInt32) {
    pv_write32(base, register)
    pv_write32(base + 0x10, value)
  }
}
