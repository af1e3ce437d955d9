import GuestMemory
import PVWire
import Testing

@testable import Machine

@Suite("what a foreign kernel is told")
struct HandoverTests {
  private let memory: GuestMemory
  private let handover = Handover(
    commandLine: Array("console=ttyS0".utf8), ramdisk: 0x100_0000..<0x100_0123, acpiRoot: GuestAddress(0xE0000))

  init() throws { memory = try GuestMemory(byteCount: 64 << 20) }

  private func read<Value: BitwiseCopyable>(_ type: Value.Type, _ address: UInt64) throws -> Value {
    try memory.read(type, at: GuestAddress(address))
  }

  @Test func theCommandLineEndsWithAZero() throws {
    try handover.writeCommandLine(into: memory, limit: 4096)
    #expect(try memory.bytes(at: ForeignLayout.commandLine, count: 14) == handover.commandLine + [0])
  }

  @Test(arguments: [12, 0, -1])
  func aCommandLineThatIsTooLongIsRefused(limit: Int) {
    #expect(throws: ForeignImageError.commandLineTooLong(byteCount: 13, limit: limit)) {
      try handover.writeCommandLine(into: memory, limit: limit)
    }
  }

  @Test func startInfoHasTheRamdiskAsItsModuleAndTheWholeMap() throws {
    handover.writeStartInfo(into: memory)
    let base = ForeignLayout.information.value
    #expect(try read(UInt32.self, base) == 0x336E_C578)
    #expect(try read(UInt32.self, base + 12) == 1)
    let module = try read(UInt64.self, base + 16)
    #expect(try read(UInt64.self, module) == 0x100_0000)
    #expect(try read(UInt64.self, module + 8) == 0x123)
    #expect(try read(UInt64.self, base + 24) == ForeignLayout.commandLine.value)
    #expect(try read(UInt64.self, base + 32) == 0xE0000)
    let map = try read(UInt64.self, base + 40)
    #expect(try read(UInt32.self, base + 48) == 4)
    #expect(try read(UInt64.self, map + 3 * 24) == 0x10_0000)
    #expect(try read(UInt64.self, map + 3 * 24 + 8) == 63 << 20)
    #expect(try read(UInt32.self, map + 3 * 24 + 16) == 1)
    #expect(try read(UInt32.self, map + 24 + 16) == 2)
  }

  @Test func multibootsInformationHasMemoryModuleAndMap() throws {
    handover.writeMultibootInformation(into: memory)
    let base = ForeignLayout.information.value
    #expect(try read(UInt32.self, base) == 0b10_0100_1101)
    #expect(try read(UInt32.self, base + 4) == 639)
    #expect(try read(UInt32.self, base + 8) == 63 << 10)
    #expect(try read(UInt32.self, base + 20) == 1)
    let module = UInt64(try read(UInt32.self, base + 24))
    #expect(try read(UInt32.self, module) == 0x100_0000)
    #expect(try read(UInt32.self, module + 4) == 0x100_0123)
    #expect(try read(UInt32.self, base + 44) == 4 * 24)
    let map = UInt64(try read(UInt32.self, base + 48))
    #expect(try read(UInt32.self, map) == 20)
    #expect(try read(UInt64.self, map + 4) == 0)
    #expect(try read(UInt64.self, map + 12) == 0x9FC00)
    let name = UInt64(try read(UInt32.self, base + 64))
    #expect(try memory.bytes(at: GuestAddress(name), count: 8) == Array("pvbench\0".utf8))
  }

  @Test(arguments: [nil, ForeignBzImage().bytes.prefix(0x26C).dropFirst(0x1F1)])
  func bootParametersAreACompleteZeroPage(header: ArraySlice<UInt8>?) throws {
    handover.writeBootParameters(header: header.map(Array.init), into: memory)
    let base = ForeignLayout.information.value
    #expect(try read(UInt16.self, base + 0x1FE) == 0xAA55)
    #expect(try read(UInt32.self, base + 0x202) == 0x5372_6448)
    #expect(try read(UInt16.self, base + 0x206) == 0x020F)
    #expect(try read(UInt64.self, base + 0x070) == 0xE0000)
    #expect(try read(UInt8.self, base + 0x210) == 0xFF)
    #expect(try read(UInt32.self, base + 0x218) == 0x100_0000)
    #expect(try read(UInt32.self, base + 0x21C) == 0x123)
    #expect(try read(UInt32.self, base + 0x228) == UInt32(ForeignLayout.commandLine.value))
    #expect(try read(UInt8.self, base + 0x1E8) == 4)
    #expect(try read(UInt64.self, base + 0x2D0 + 3 * 20) == 0x10_0000)
    #expect(try read(UInt32.self, base + 0x2D0 + 3 * 20 + 16) == 1)
  }

  @Test(arguments: [UInt64(0), 0x20_0000, 0x3FFF_FFFF, 0xFEC0_0123, 0xFFFF_FFFF])
  func pageTablesMapFourGiBOneToOne(address: UInt64) throws {
    try ForeignLayout.writePageTables(into: memory)
    var table = ForeignLayout.pageTables.value
    for shift in [UInt64(39), 30] {
      let entry = try read(UInt64.self, table + 8 * (address >> shift & 511))
      #expect(entry & 3 == 3)
      table = entry & ~0xFFF
    }
    let entry = try read(UInt64.self, table + 8 * (address >> 21 & 511))
    #expect(entry == address & ~0x1F_FFFF | 0x83)
  }
}

@Suite("ACPI tables")
struct ACPITablesTests {
  private let memory: GuestMemory

  init() throws {
    memory = try GuestMemory(byteCount: 32 << 20)
    try ACPITables(vcpus: 3, mmioSlots: [ACPITables.MMIOSlot(base: 0xFEB0_0000, gsi: 10)]).write(into: memory)
  }

  /// The table of this name, found as a guest finds it.
  private func table(_ signature: String) throws -> [UInt8] {
    let root = ACPITables.root
    let xsdt = GuestAddress(try memory.read(UInt64.self, at: root + 24))
    let count = (try memory.read(UInt32.self, at: xsdt + 4) - 36) / 8
    let addresses = try (0..<UInt64(count)).map { try memory.read(UInt64.self, at: xsdt + (36 + 8 * $0)) }
    let fadt = try #require(addresses.first)
    let dsdt = UInt64(try memory.read(UInt32.self, at: GuestAddress(fadt + 40)))
    let tables = try ([xsdt.value, dsdt] + addresses).map { address in
      let length = try memory.read(UInt32.self, at: GuestAddress(address + 4))
      return try memory.bytes(at: GuestAddress(address), count: Int(length))
    }
    return try #require(tables.first { $0.starts(with: signature.utf8) })
  }

  @Test func theRootPointersChecksumsAreRight() throws {
    let root = try memory.bytes(at: ACPITables.root, count: 36)
    #expect(root.starts(with: "RSD PTR ".utf8))
    #expect(root[..<20].reduce(0, &+) == 0)
    #expect(root.reduce(0, &+) == 0)
  }

  @Test(arguments: ["XSDT", "FACP", "APIC", "DSDT"])
  func everyTablesBytesAddUpToZero(signature: String) throws {
    #expect(try table(signature).reduce(0, &+) == 0)
  }

  @Test func everyProcessorIsInTheMADT() throws {
    let madt = try table("APIC")
    let processors = (0..<3).map { Array(madt[(44 + 8 * $0)..<(52 + 8 * $0)]) }
    #expect(processors == (0..<3).map { [0, 8, UInt8($0), UInt8($0), 1, 0, 0, 0] })
    #expect(Array(madt[68..<80]) == [1, 12, 3, 0, 0, 0, 0xC0, 0xFE, 0, 0, 0, 0])
  }

  @Test func theFADTNamesTimerResetAndPowerRegisters() throws {
    let fadt = try table("FACP")
    #expect(fadt.count == 276)
    #expect(Array(fadt[56..<60]) == [0, 6, 0, 0])
    #expect(Array(fadt[64..<68]) == [4, 6, 0, 0])
    #expect(Array(fadt[76..<80]) == [8, 6, 0, 0])
    #expect(Array(fadt[116..<129]) == [1, 8, 0, 1, 0xF9, 0x0C, 0, 0, 0, 0, 0, 0, 6])
  }

  @Test func theDSDTDescribesBusSlotsAndSleep() throws {
    let dsdt = try table("DSDT")
    let text = String(decoding: dsdt.map { $0 < 0x80 ? $0 : 0x3F }, as: UTF8.self)
    #expect(["_SB_", "PCI0", "_PRT", "VR00", "LNRO0005", "_S5_"].allSatisfy(text.contains))
  }
}

@Suite("ACPI machine language")
struct AMLTests {
  @Test func integersTakeTheShortestForm() {
    #expect(AML.integer(0) == [0])
    #expect(AML.integer(1) == [1])
    #expect(AML.integer(0xFF) == [0x0A, 0xFF])
    #expect(AML.integer(0x2FFFF) == [0x0C, 0xFF, 0xFF, 0x02, 0x00])
  }

  /// ACPI 6.5, 19.3.4: PNP0A03 is 0x030AD041.
  @Test func namesOfDevicesAreCompressed() { #expect(AML.eisaID("PNP0A03") == [0x0C, 0x41, 0xD0, 0x0A, 0x03]) }

  /// Bytes of a buffer's content, and the length field in front of it.
  static let lengths: [(Int, [UInt8])] = [
    (10, [0x11, 13]), (59, [0x11, 62]), (60, [0x11, 63]), (61, [0x11, 0x40 | 1, 4]), (250, [0x11, 0x40 | 14, 15]),
    (5000, [0x11, 0x80, 0x39, 0x01]),
  ]

  @Test(arguments: lengths)
  func aLengthCountsItsOwnBytes(count: Int, expected: [UInt8]) {
    let term = AML.buffer([UInt8](repeating: 0, count: count))
    #expect(Array(term.prefix(expected.count)) == expected)
  }
}
