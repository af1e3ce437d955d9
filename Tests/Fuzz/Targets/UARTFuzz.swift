import EmulatedDevices

/// The serial port: its eight registers, and bytes that come in.
struct UARTFuzz: FuzzTarget {
  static let name = "uart"

  func run(_ input: FuzzInput) {
    let port = UART16550A(interrupt: IgnoredInterrupt(), sink: IgnoredOutput())
    while !input.isEmpty {
      switch input.below(4) {
      case 0: port.receive(input.array(input.below(32)))
      case 1: port.write(UInt64(input.byte()), at: input.below(8), width: .byte)
      case 2: mustHold(port.read(at: input.below(8), width: .byte) <= 0xFF, "a byte register gave more than a byte")
      default: DeviceAccess.run(input, on: port, byteCount: 8)
      }
      mustHold((0...16).contains(port.receiveSpace), "the receiver's space is impossible")
    }
  }
}
