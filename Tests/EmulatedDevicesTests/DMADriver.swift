import DeviceModel
import EmulatedDevices
import GuestMemory

/// Drives a PIIX3's IDE function as a guest does: legacy ports, bus master ports, tables and buffers in memory.
struct DMADriver {
  let memory: GuestMemory
  let function: PIIX3IDE
  let ide: IDEDriver

  static let table: UInt64 = 0x1_0000
  static let buffer: UInt64 = 0x4_0000
  static let memoryByteCount = 1 << 20

  /// A region as the table describes it.
  struct Region {
    var address: UInt64
    /// As it stands in the entry: 0 is 64 KiB.
    var count: UInt64
    var isLast = false
  }

  init(sectors: UInt64 = 4096, isBusMaster: Bool = true) throws {
    memory = try GuestMemory(byteCount: Self.memoryByteCount)
    let storage = FakeStorage(sectors: sectors)
    let line = FakeInterruptLine()
    function = PIIX3IDE(
      storage: storage, identity: DriveIdentity(serial: "PVB-1", firmware: "2.5", model: "Test disk"), interrupt: line,
      memory: memory, ports: 0xC000)
    ide = IDEDriver(function.primary, storage: storage, line: line)
    if isBusMaster { setCommand(0x0005) }
  }

  var storage: FakeStorage { ide.storage }
  var ports: any Device { function.windows[0].device }

  /// Writes the PCI command register.
  func setCommand(_ value: UInt64) {
    function.configuration.write(value, at: 4, width: .word)
    function.configurationWritten(at: 4, width: .word)
  }

  func writeTable(_ regions: [Region], at table: UInt64 = table) throws {
    for (index, region) in regions.enumerated() {
      let entry = region.address | region.count << 32 | (region.isLast ? 1 << 63 : 0)
      try memory.write(entry, at: GuestAddress(table + 8 * UInt64(index)))
    }
  }

  func setTable(_ address: UInt64 = table) { ports.write(address, at: 4, width: .long) }
  /// Starts a transfer; the drive is read where `toMemory`.
  func start(toMemory: Bool) { ports.write(toMemory ? 9 : 1, at: 0, width: .byte) }
  func stop() { ports.write(0, at: 0, width: .byte) }
  /// Bit 0 active, 1 error, 2 interrupt.
  var status: UInt64 { ports.read(at: 2, width: .byte) & 7 }

  /// READ DMA into the regions.
  func read(lba: UInt32, sectors: UInt8, _ regions: [Region]) throws {
    try writeTable(regions)
    setTable()
    ide.command(0xC8, lba: lba, count: sectors)
    start(toMemory: true)
  }

  /// WRITE DMA from the regions.
  func write(lba: UInt32, sectors: UInt8, _ regions: [Region]) throws {
    try writeTable(regions)
    setTable()
    ide.command(0xCA, lba: lba, count: sectors)
    start(toMemory: false)
  }
}
