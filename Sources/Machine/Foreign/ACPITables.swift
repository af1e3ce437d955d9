import EmulatedDevices
import GuestMemory
import PVWire

/// The tables (ACPI 6.5, chapter 5) that tell a foreign guest of its processors, interrupt inputs, PCI bus, virtio-mmio slots and of
/// how it is switched off: RSDP, XSDT, FADT, FACS, MADT and DSDT.
struct ACPITables {
  let vcpus: Int
  /// Slots of virtio-mmio, with their interrupt inputs.
  let mmioSlots: [MMIOSlot]

  /// A virtio-mmio slot.
  struct MMIOSlot: Equatable {
    let base: UInt64
    let gsi: UInt32
  }

  /// The root pointer, where a PC's firmware leaves it.
  static let root = GuestAddress(ForeignLayout.firmware)

  private typealias PCI = AddressMap.PCI
  private static let slots = [PCI.disk, PCI.network, PCI.entropy, PCI.console, PCI.balloon]
  /// The input that the SCI has on PCs.
  private static let sci: UInt8 = 9

  /// Writes all tables, one behind the other.
  func write(into memory: GuestMemory) throws(GuestMemoryError) {
    var next = Self.root + 64
    func place(_ table: [UInt8]) throws(GuestMemoryError) -> GuestAddress {
      try memory.write(table, at: next)
      defer { next = GuestAddress((next.value + UInt64(table.count) + 63) & ~63) }
      return next
    }
    let facs = try place(Self.facs)
    let dsdt = try place(self.dsdt)
    let fadt = try place(Self.fadt(facs: facs, dsdt: dsdt))
    let madt = try place(self.madt)
    let xsdt = try place(Self.xsdt([fadt, madt]))
    try memory.write(Self.rsdp(xsdt: xsdt), at: Self.root)
  }

  private static func rsdp(xsdt: GuestAddress) -> [UInt8] {
    var writer = ByteWriter()
    writer.put(Array("RSD PTR ".utf8))
    writer.put([0])  // checksum of the first 20 bytes
    writer.put(Array("PVBNCH".utf8))
    writer.put([2])
    writer.put(UInt32(0))  // no RSDT
    writer.put(UInt32(36))
    writer.put(xsdt.value)
    writer.put([0, 0, 0, 0])  // checksum of all, reserved
    var bytes = writer.bytes
    bytes[8] = checksum(bytes[..<20])
    bytes[32] = checksum(bytes[...])
    return bytes
  }

  private static func xsdt(_ tables: [GuestAddress]) -> [UInt8] {
    var body = ByteWriter()
    for address in tables { body.put(address.value) }
    return table("XSDT", revision: 1, body.bytes)
  }

  /// Nobody waits for the global lock, and nothing wakes up.
  private static var facs: [UInt8] {
    var writer = ByteWriter()
    writer.put(Array("FACS".utf8))
    writer.put(UInt32(64))
    writer.put([UInt8](repeating: 0, count: 24))
    writer.put([2])
    writer.put([UInt8](repeating: 0, count: 31))
    return writer.bytes
  }

  /// Revision 6 of the FADT (5.2.9), by offsets from the start of its body, which is 36 bytes into the table.
  private static func fadt(facs: GuestAddress, dsdt: GuestAddress) -> [UInt8] {
    var body = [UInt8](repeating: 0, count: 276 - 36)
    func put(_ value: UInt64, at offset: Int, count: Int) {
      for index in 0..<count { body[offset - 36 + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index)) }
    }
    let power = AddressMap.Port.acpiPower
    put(facs.value, at: 36, count: 4)
    put(dsdt.value, at: 40, count: 4)
    put(UInt64(sci), at: 46, count: 2)
    put(power, at: 56, count: 4)
    put(power + 4, at: 64, count: 4)
    put(AddressMap.Port.acpiTimer, at: 76, count: 4)
    put(4, at: 88, count: 1)  // PM1_EVT_LEN
    put(2, at: 89, count: 1)  // PM1_CNT_LEN
    put(4, at: 91, count: 1)  // PM_TMR_LEN
    put(0xFFF, at: 96, count: 2)  // no C2
    put(0xFFF, at: 98, count: 2)  // no C3
    put(0b101, at: 109, count: 2)  // legacy devices, no VGA, no 8042
    // WBINVD, PROC_C1, no power or sleep button, TMR_VAL_EXT, RESET_REG_SUP
    put(1 << 0 | 1 << 2 | 1 << 4 | 1 << 5 | 1 << 8 | 1 << 10, at: 112, count: 4)
    put(0x01_00_08_01, at: 116, count: 4)  // a port, 8 bits, byte accesses
    put(AddressMap.Port.pciConfiguration + 1, at: 120, count: 8)
    put(6, at: 128, count: 1)
    return table("FACP", revision: 6, body)
  }

  private var madt: [UInt8] {
    var body = ByteWriter()
    body.put(UInt32(0xFEE0_0000))
    body.put(UInt32(1))  // there are 8259s, too
    for index in 0..<vcpus {
      body.put([0, 8, UInt8(index), UInt8(index)])
      body.put(UInt32(1))
    }
    // The in-kernel I/O APIC's id is the first that no local APIC has.
    body.put([1, 12, UInt8(vcpus), 0])
    body.put(UInt32(AddressMap.ioapic))
    body.put(UInt32(0))
    // PCI's lines and the SCI are level-triggered and active high; all other legacy inputs are ISA's.
    for line in Self.slots.map({ UInt8($0.line) }) + [Self.sci] {
      body.put([2, 10, 0, line])
      body.put(UInt32(line))
      body.put(UInt16(0b1101))
    }
    body.put([4, 6, 0xFF, 0, 0, 1])  // LINT1 of every processor is NMI
    return Self.table("APIC", revision: 4, body.bytes)
  }

  private var dsdt: [UInt8] {
    var host = ACPIResources()
    host.passBuses(0...0xFF)
    host.ports(at: 0xCF8, count: 8)
    host.passPorts(0...0xCF7)
    host.passPorts(0xD00...0xFFFF)
    host.passMemory(0xE000_0000...0xE0FF_FFFF)
    let routes = Self.slots.map { slot in
      AML.package([
        AML.integer(UInt32(slot.number) << 16 | 0xFFFF), AML.integer(0), AML.integer(0), AML.integer(slot.line),
      ])
    }
    let bus = AML.device(
      "PCI0",
      [
        AML.name("_HID", AML.eisaID("PNP0A03")), AML.name("_UID", AML.integer(0)), AML.name("_CRS", host.buffer),
        AML.name("_PRT", AML.package(routes)),
      ])
    let devices = mmioSlots.enumerated().map { index, slot in
      var resources = ACPIResources()
      resources.memory(at: UInt32(slot.base), count: UInt32(MemoryMap.virtioMMIOStride))
      resources.edge(gsi: slot.gsi)
      return AML.device(
        "VR0\(index)",
        [
          AML.name("_HID", AML.string("LNRO0005")), AML.name("_UID", AML.integer(UInt32(index))),
          AML.name("_CRS", resources.buffer),
        ])
    }
    let off = AML.integer(UInt32(ACPIPower.sleepTypeS5))
    let sleep = AML.name("_S5_", AML.package([off, off, AML.integer(0), AML.integer(0)]))
    return Self.table("DSDT", revision: 2, AML.scope("_SB_", [bus] + devices) + sleep)
  }

  /// A table with its header (5.2.6).
  private static func table(_ signature: String, revision: UInt8, _ body: [UInt8]) -> [UInt8] {
    var writer = ByteWriter()
    writer.put(Array(signature.utf8))
    writer.put(UInt32(36 + body.count))
    writer.put([revision, 0])
    writer.put(Array("PVBNCHPVBENCH ".utf8))  // OEM id and table id
    writer.put(UInt32(1))
    writer.put(Array("PVB ".utf8))
    writer.put(UInt32(1))
    writer.put(body)
    var bytes = writer.bytes
    bytes[9] = checksum(bytes[...])
    return bytes
  }

  /// What makes the sum of `bytes` zero.
  private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt8 { 0 &- bytes.reduce(0, &+) }
}
