/// Addresses for base address registers that firmware has left at zero, as small firmware such as qboot does: an operating system
/// assigns them (PCI Local Bus Specification 3.0, 6.2.5.1).
enum PCIAllocator {
  /// Below the I/O APIC, inside the GiB that the guest maps uncached; no VMM has RAM there.
  private nonisolated(unsafe) static var nextAddress: UInt32 = 0xE000_0000
  /// Above the ports of the platform's own devices.
  private nonisolated(unsafe) static var nextPort: UInt32 = 0xC000
  private static let addressLimit: UInt32 = 0xFE00_0000
  private static let portLimit: UInt32 = 0x1_0000
  private static let command: UInt32 = 0x04
  /// I/O and memory decoding, which are off while a register holds no address.
  private static let decoding: UInt32 = 3

  /// Gives the register an address where it has none; one that is not there, or finds no room, stays as it is. Called while
  /// drivers start, on processor 0.
  static func assign(_ device: PCIDevice, baseAddress index: UInt32) {
    let register = 0x10 + 4 * index
    let value = device.read(register)
    let isPorts = value & 1 != 0
    guard value & (isPorts ? 0xFFFC : 0xFFFF_FFF0) == 0, value & 6 != 4 || device.read(register + 4) == 0 else {
      return
    }
    let state = device.read(command) & 0xFFFF
    device.write(command, state & ~decoding)
    device.write(register, .max)
    let mask = device.read(register) & (isPorts ? 0xFFFC : 0xFFFF_FFF0)
    let size = isPorts ? (~mask & 0xFFFF) &+ 1 : ~mask &+ 1
    let place = mask == 0 ? nil : isPorts ? take(&nextPort, size, portLimit) : take(&nextAddress, size, addressLimit)
    device.write(register, place ?? 0)
    device.write(command, state)
  }

  /// `size` bytes, a power of two, at a multiple of it.
  private static func take(_ next: inout UInt32, _ size: UInt32, _ limit: UInt32) -> UInt32? {
    let start = (next &+ size &- 1) & ~(size &- 1)
    guard start >= next, start < limit, size <= limit - start else { return nil }
    next = start + size
    return start
  }
}
