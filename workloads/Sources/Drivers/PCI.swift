import GuestKernel

/// A PCI function, found and driven through configuration mechanism #1 (PCI Local Bus Specification 3.0, 3.2.2.3.2).
public struct PCIDevice {
  /// Slot × 8 + function, on bus 0.
  let place: UInt32

  private enum Port {
    static let address: UInt16 = 0xCF8
    static let data: UInt16 = 0xCFC
  }
  private enum Command {
    static let ports: UInt32 = 1
    static let memory: UInt32 = 2
    static let busMaster: UInt32 = 4
    static let interruptDisable: UInt32 = 0x400
  }

  /// The first function on bus 0 with these IDs, looking at the further functions of a slot only where its first names some.
  static func find(vendor: UInt16, device: UInt16) -> PCIDevice? {
    let wanted = UInt32(device) << 16 | UInt32(vendor)
    for slot in UInt32(0)..<32 {
      let first = PCIDevice(place: slot * 8)
      let identity = first.read(0)
      if identity == wanted { return first }
      guard identity != .max, first.read(0x0C) & 0x80_0000 != 0 else { continue }
      for function in UInt32(1)..<8 {
        let further = PCIDevice(place: slot * 8 + function)
        if further.read(0) == wanted { return further }
      }
    }
    return nil
  }

  /// A 32-bit register of the configuration space.
  func read(_ offset: UInt32) -> UInt32 {
    pv_out32(Port.address, 1 << 31 | place << 8 | offset & 0xFC)
    return pv_in32(Port.data)
  }

  /// Writes a 32-bit register of the configuration space.
  func write(_ offset: UInt32, _ value: UInt32) {
    pv_out32(Port.address, 1 << 31 | place << 8 | offset & 0xFC)
    pv_out32(Port.data, value)
  }

  /// Switches windows and bus mastering on, and INTx off unless `usesLine`.
  func enable(usesLine: Bool) {
    let command = Command.ports | Command.memory | Command.busMaster | (usesLine ? 0 : Command.interruptDisable)
    write(0x04, command)
  }

  /// The address in a memory base address register; nil where it is one of ports, empty, or beyond 4 GiB. One that firmware
  /// has left without an address is given one.
  func memory(baseAddress index: UInt32) -> UInt? {
    guard index < 6 else { return nil }
    PCIAllocator.assign(self, baseAddress: index)
    let value = read(0x10 + 4 * index)
    guard value & 1 == 0, value & 0xFFFF_FFF0 != 0 else { return nil }
    if value & 6 == 4, read(0x14 + 4 * index) != 0 { return nil }
    return UInt(value & 0xFFFF_FFF0)
  }

  /// The first port in a base address register; nil where it is one of memory, or empty. One that firmware has left without a
  /// port is given some.
  func ports(baseAddress index: UInt32) -> UInt16? {
    PCIAllocator.assign(self, baseAddress: index)
    let value = read(0x10 + 4 * index)
    guard value & 1 != 0, value & 0xFFFC != 0 else { return nil }
    return UInt16(truncatingIfNeeded: value & 0xFFFC)
  }

  /// Offsets of the capabilities with this ID, in the order of the chain. A chain that loops ends.
  func capabilities(id: UInt8) -> [UInt32] {
    var found: [UInt32] = []
    guard read(0x04) & 0x10_0000 != 0 else { return found }
    var offset = read(0x34) & 0xFC
    var patience = 48
    while offset >= 0x40, patience > 0 {
      let header = read(offset)
      if UInt8(truncatingIfNeeded: header) == id { found.append(offset) }
      offset = header >> 8 & 0xFC
      patience -= 1
    }
    return found
  }
}

/// The MSI-X table of a function (6.8.2): every message goes to the boot CPU.
struct MessageTable {
  private let device: PCIDevice
  private let capability: UInt32
  private let table: UInt
  /// How many vectors there are.
  let count: Int

  private static let enable: UInt32 = 1 << 31
  private static let functionMask: UInt32 = 1 << 30

  /// Switches MSI-X on, every vector masked as it is after a reset; nil where the function has none.
  init?(_ device: PCIDevice) {
    guard let capability = device.capabilities(id: 0x11).first else { return nil }
    let place = device.read(capability + 4)
    guard let window = device.memory(baseAddress: place & 7) else { return nil }
    self.device = device
    self.capability = capability
    table = window + UInt(place & ~7)
    count = Int(device.read(capability) >> 16 & 0x7FF) + 1
    device.write(capability, Self.enable)
  }

  /// Makes table entry `index` raise `vector`.
  func enable(_ index: Int, vector: UInt8) -> Interrupt {
    let entry = table + UInt(16 * index)
    pv_write32(entry, 0xFEE0_0000)
    pv_write32(entry + 4, 0)
    pv_write32(entry + 8, UInt32(vector))
    pv_write32(entry + 12, 0)
    return Interrupt(vector: vector)
  }
}
