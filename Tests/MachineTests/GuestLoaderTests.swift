import GuestMemory
import PVWire
import Testing

@testable import Machine

/// An ELF64 executable, written field by field so that any of them can be wrong.
private struct ELF {
  struct Segment {
    var type: UInt32 = 1
    var offset: UInt64 = 0x200
    var address: UInt64 = 0x100000
    var fileSize: UInt64 = 16
    var memorySize: UInt64 = 32
  }

  var identity: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0]
  var machine: UInt16 = 62
  var entry: UInt64 = 0x100008
  var table: UInt64 = 64
  var count: UInt16?
  var segments = [Segment()]
  var payload: [UInt8] = (1...16).map { UInt8($0) }

  var bytes: [UInt8] {
    var file = ByteWriter()
    file.put(identity + [UInt8](repeating: 0, count: 16 - identity.count))
    file.put(UInt16(2))
    file.put(machine)
    file.put(UInt32(1))
    file.put(entry)
    file.put(table)
    file.put([UInt8](repeating: 0, count: 14))
    file.put(UInt16(56))
    file.put(count ?? UInt16(segments.count))
    file.put([UInt8](repeating: 0, count: 64 - file.bytes.count))
    for segment in segments {
      file.put(segment.type)
      file.put(UInt32(7))
      for word in [segment.offset, segment.address, segment.address, segment.fileSize, segment.memorySize, 4096] {
        file.put(word)
      }
    }
    file.put([UInt8](repeating: 0, count: 0x200 - file.bytes.count))
    file.put(payload)
    return file.bytes
  }
}

@Suite("loading a guest")
struct GuestLoaderTests {
  private let memory: GuestMemory

  init() throws { memory = try GuestMemory(byteCount: 2 << 20) }

  @Test func everySegmentLandsAtItsPhysicalAddress() throws {
    var elf = ELF()
    elf.segments.append(ELF.Segment(offset: 0x208, address: 0x1FFFF8, fileSize: 8, memorySize: 8))
    #expect(try GuestLoader.load(elf.bytes, into: memory) == GuestAddress(0x100008))
    #expect(try memory.bytes(at: GuestAddress(0x100000), count: 17) == elf.payload + [0])
    #expect(try memory.bytes(at: GuestAddress(0x1FFFF8), count: 8) == Array(elf.payload[8...]))
    #expect(try memory.read(UInt8.self, at: GuestAddress(0xFFFFF)) == 0)
  }

  @Test func otherProgramHeadersAreIgnored() throws {
    var elf = ELF()
    elf.segments[0].type = 4
    elf.segments[0].offset = UInt64.max
    _ = try GuestLoader.load(elf.bytes, into: memory)
    #expect(try memory.bytes(at: GuestAddress(0x100000), count: 16) == [UInt8](repeating: 0, count: 16))
  }

  @Test func aSegmentWithoutBytesIsZero() throws {
    var elf = ELF()
    elf.segments[0].fileSize = 0
    _ = try GuestLoader.load(elf.bytes, into: memory)
    #expect(try memory.bytes(at: GuestAddress(0x100000), count: 16) == [UInt8](repeating: 0, count: 16))
  }

  /// Wrong magic, 32 bits, big-endian.
  @Test(arguments: [[0x7F, 0x45, 0x4C, 0x47, 2, 1], [0x7F, 0x45, 0x4C, 0x46, 1, 1], [0x7F, 0x45, 0x4C, 0x46, 2, 2]])
  func otherFormatsAreRefused(identity: [UInt8]) {
    var elf = ELF()
    elf.identity = identity
    #expect(loadError(elf.bytes) == .notELF64)
  }

  @Test func otherMachinesAreRefusedByNumber() {
    var elf = ELF()
    elf.machine = 183
    #expect(loadError(elf.bytes) == .wrongMachine(183))
  }

  @Test func everyTruncationIsRefused() throws {
    let bytes = ELF().bytes
    for count in bytes.indices {
      let error = try #require(loadError(Array(bytes[..<count])), "\(count) bytes")
      #expect(error == .truncated, "\(count) bytes")
    }
  }

  @Test(arguments: [UInt64(0x210), 0x211, 1 << 40, UInt64.max, UInt64.max - 55])
  func aHeaderTableOutsideTheFileIsRefused(offset: UInt64) {
    var elf = ELF()
    elf.table = offset
    #expect(loadError(elf.bytes) == .truncated)
  }

  @Test func moreHeadersThanTheFileHoldsAreRefused() {
    var elf = ELF()
    elf.count = UInt16.max
    #expect(loadError(elf.bytes) == .truncated)
  }

  /// Offset and size in the file.
  static let outsideTheFile: [(offset: UInt64, size: UInt64)] = [
    (0x201, 16), (0x210, 1), (0x211, 0), (UInt64.max, 16), (0x200, UInt64.max), (UInt64.max, UInt64.max),
  ]

  @Test(arguments: outsideTheFile)
  func aSegmentOutsideTheFileIsRefused(offset: UInt64, size: UInt64) {
    var elf = ELF()
    elf.segments[0].offset = offset
    elf.segments[0].fileSize = size
    elf.segments[0].memorySize = UInt64.max
    #expect(loadError(elf.bytes) == .truncated)
  }

  @Test func aSegmentThatIsLargerInTheFileThanInMemoryIsRefused() {
    var elf = ELF()
    elf.segments[0].memorySize = 15
    #expect(loadError(elf.bytes) == .truncated)
  }

  /// Address and size in memory; RAM ends at 2 MiB.
  static let outsideRAM: [(address: UInt64, size: UInt64)] = [
    (0x1FFFF1, 16), (0x200000, 16), (0x100000, 0x100001), (UInt64.max, 16), (UInt64.max - 15, 32), (0, UInt64.max),
  ]

  @Test(arguments: outsideRAM)
  func aSegmentOutsideRAMIsRefused(address: UInt64, size: UInt64) {
    var elf = ELF()
    elf.segments[0].address = address
    elf.segments[0].memorySize = size
    #expect(loadError(elf.bytes) == .segmentOutsideRAM(GuestAddress(address)))
  }

  private func loadError(_ image: [UInt8]) -> GuestImageError? {
    do throws(MachineError) { _ = try GuestLoader.load(image, into: memory) } catch {
      guard case .guestImage(let error) = error else { return nil }
      return error
    }
    return nil
  }
}

@Suite("what the runner lays out in guest memory")
struct GuestLayoutTests {
  private let memory: GuestMemory

  init() throws { memory = try GuestMemory(byteCount: 1 << 20) }

  /// Virtual address, physical address (the identity), and whether it is uncached.
  static let mapped: [(address: UInt64, isUncached: Bool)] = [
    (0, false), (0x100000, false), (0x3FFF_FFFF, false), (0xC000_0000, true), (0xFEB0_0000, true), (0xFFFF_FFFF, true),
  ]

  @Test(arguments: mapped)
  func pageTablesMapTheFirstGiBAndTheOneBelowFour(address: UInt64, isUncached: Bool) throws {
    try GuestLoader.writePageTables(into: memory)
    let entry = try walk(address)
    #expect(entry & 0x000F_FFFF_FFE0_0000 | address & 0x1F_FFFF == address)
    #expect(entry & 0x87 == 0x87)  // present, writable, user, 2 MiB
    #expect((entry & 0x18 == 0x18) == isUncached)
  }

  @Test(arguments: [UInt64(0x4000_0000), 0xBFFF_FFFF, 0x1_0000_0000, 1 << 39])
  func nothingElseIsMapped(address: UInt64) throws {
    try GuestLoader.writePageTables(into: memory)
    #expect(try walk(address) & 1 == 0)
  }

  @Test func theOrdersAreTheFirstModule() throws {
    try GuestLoader.writeStartInfo(
      orders: [1, 2, 3], commandLine: "virtio_mmio.device=512@0xfeb00000:16", into: memory)
    let info = GuestAddress(MemoryMap.startInfo)
    #expect(try memory.read(UInt32.self, at: info) == 0x336E_C578)
    #expect(try memory.read(UInt32.self, at: info + 4) == 1)
    #expect(try memory.read(UInt32.self, at: info + 12) == 1)
    let module = GuestAddress(try memory.read(UInt64.self, at: info + 16))
    let orders = GuestAddress(try memory.read(UInt64.self, at: module))
    #expect(try memory.read(UInt64.self, at: module + 8) == 3)
    #expect(try memory.bytes(at: orders, count: 4) == [1, 2, 3, 0])
    let line = GuestAddress(try memory.read(UInt64.self, at: info + 24))
    #expect(try memory.bytes(at: line, count: 37) == Array("virtio_mmio.device=512@0xfeb00000:16".utf8) + [0])
    let map = GuestAddress(try memory.read(UInt64.self, at: info + 40))
    #expect(try memory.read(UInt32.self, at: info + 48) == 1)
    #expect(try memory.read(UInt64.self, at: map + 8) == 1 << 20)
    #expect(try memory.read(UInt32.self, at: map + 16) == 1)
  }

  @Test func aLongCommandLineStaysInItsPage() throws {
    let line = String(repeating: "x", count: 10_000)
    try GuestLoader.writeStartInfo(orders: [], commandLine: line, into: memory)
    #expect(try memory.read(UInt8.self, at: GuestAddress(MemoryMap.startInfo + 0x100)) == 0x78)
    #expect(try memory.read(UInt8.self, at: GuestAddress(MemoryMap.pageTables - 1)) == 0)
    #expect(try memory.read(UInt64.self, at: GuestAddress(MemoryMap.pageTables)) == 0)
  }

  /// Walks four levels as a processor does (Intel SDM volume 3, section 4.5.4); the last entry looked at.
  private func walk(_ address: UInt64) throws -> UInt64 {
    var table = MemoryMap.pageTables
    for shift in [UInt64(39), 30] {
      let entry = try memory.read(UInt64.self, at: GuestAddress(table + 8 * (address >> shift & 511)))
      guard entry & 1 != 0 else { return entry }
      table = entry & 0x000F_FFFF_FFFF_F000
    }
    return try memory.read(UInt64.self, at: GuestAddress(table + 8 * (address >> 21 & 511)))
  }
}
