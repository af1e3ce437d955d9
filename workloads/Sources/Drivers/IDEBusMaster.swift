import GuestKernel

/// The primary bus master of a PIIX3's IDE function (Intel 82371SB, 2.7; Bus Master IDE 1.0).
final class IDEBusMaster {
  private static let start: UInt8 = 0x01
  private static let toMemory: UInt8 = 0x08
  private static let statusError: UInt8 = 0x02
  private static let statusInterrupt: UInt8 = 0x04
  private static let boundary: UInt = 0x1_0000

  private let ports: UInt16
  /// Physical region descriptors, in one page: they never cross a multiple of 64 KiB.
  private let table = DMAMemory(count: 4096)

  /// Finds the function and lets it master the bus; nil where there is none.
  init?() {
    guard let function = PCIDevice.find(vendor: 0x8086, device: 0x7010), let ports = function.ports(baseAddress: 4)
    else {
      return nil
    }
    self.ports = ports
    function.enable(usesLine: true)
  }

  /// Describes `count` bytes at `address`, cut at multiples of 64 KiB, and clears what the last transfer left behind.
  func prepare(address: UInt, count: Int) {
    var start = address
    var rest = UInt(count)
    var entry = 0
    while rest > 0 {
      let length = min(rest, Self.boundary - start % Self.boundary)
      let isLast = length == rest
      table.store(UInt32(truncatingIfNeeded: start), at: entry)
      table.store(UInt32(length & 0xFFFF) | (isLast ? 1 << 31 : 0), at: entry + 4)
      start += length
      rest -= length
      entry += 8
    }
    pv_out32(ports + 4, UInt32(truncatingIfNeeded: table.address))
    pv_out8(ports + 2, Self.statusError | Self.statusInterrupt)
  }

  /// Moves the data of the command that the drive has just been given.
  func start(isRead: Bool) { pv_out8(ports, Self.start | (isRead ? Self.toMemory : 0)) }

  /// Ends the transfer; false where it did not move everything.
  func stop() -> Bool {
    let status = pv_in8(ports + 2)
    pv_out8(ports, 0)
    return status & (Self.statusError | Self.start) == 0
  }
}
