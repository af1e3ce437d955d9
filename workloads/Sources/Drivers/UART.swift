import GuestKernel

/// The guest's log: a 16550A at COM1, polled, 115,200 baud 8N1 (PC16550D data sheet).
public enum UART {
  private static let base: UInt16 = 0x3F8

  /// Programs divisor, line control and FIFO.
  public static func initialize() {
    pv_out8(base + 1, 0)  // no interrupts
    pv_out8(base + 3, 0x80)  // divisor latch
    pv_out8(base, 1)
    pv_out8(base + 1, 0)
    pv_out8(base + 3, 0x03)  // 8N1
    pv_out8(base + 2, 0xC7)  // FIFO on, cleared
  }

  /// Bytes that an empty transmitter takes at a time.
  private static let fifoDepth = 16

  /// Sends one byte when the transmitter is ready. Gives up after a while: a log must not hang a guest.
  public static func send(_ byte: UInt8) {
    awaitTransmitter(patience: 1000)
    pv_out8(base, byte)
  }

  /// Sends `bytes`, a FIFO at a time, to a host that may be busy: whoever waits for a result waits longer than for a log.
  public static func send(_ bytes: [UInt8]) {
    for (index, byte) in bytes.enumerated() {
      if index % fifoDepth == 0 { awaitTransmitter(patience: 1_000_000) }
      pv_out8(base, byte)
    }
  }

  private static func awaitTransmitter(patience: Int) {
    var patience = patience
    while pv_in8(base + 5) & 0x20 == 0, patience > 0 { patience -= 1 }
  }

  /// Sends a line.
  public static func line(_ text: StaticString) {
    text.withUTF8Buffer { for byte in $0 { send(byte) } }
    send(10)
  }
}
