import Backends
import DeviceModel
import GuestMemory
import ParavirtDevices
import Testing

/// Every kind of request, over memory and over a file through io_uring with direct I/O.
struct VirtioBlockRequestTests {
  typealias Descriptor = GuestQueue.Descriptor

  enum Medium: CaseIterable {
    case memory, directFile, bufferedFile
  }

  /// A rig over a medium of 1 MiB whose sector n is filled with n's low byte.
  final class Fixture {
    let rig: BlockRig
    let storage: any BlockStorage
    private let image: TemporaryFile?

    init(_ medium: Medium, isReadOnly: Bool = false) throws {
      let content = (0..<2048).flatMap { [UInt8](repeating: UInt8(truncatingIfNeeded: $0), count: 512) }
      let image = medium == .memory ? nil : try TemporaryFile(content)
      if let image {
        storage = try FileStorage(path: image.path, isReadOnly: isReadOnly, isBuffered: medium == .bufferedFile)
      } else {
        let memory = try MemoryStorage(byteCount: UInt64(content.count))
        try content.withUnsafeBytes { try memory.write($0, at: 0) }
        storage = memory
      }
      self.image = image
      rig = try BlockRig(storage: storage)
      try rig.start(isReadOnly ? [.version1, .eventIndex] : BlockRig.allFeatures)
    }

    func sector(_ number: UInt64) throws -> [UInt8] {
      var bytes = [UInt8](repeating: 0, count: 512)
      try bytes.withUnsafeMutableBytes { try storage.read(at: number * 512, into: $0) }
      return bytes
    }
  }

  private func sector(_ value: UInt8) -> [UInt8] { [UInt8](repeating: value, count: 512) }

  @Test(arguments: Medium.allCases)
  func readFillsTheBuffers(medium: Medium) throws {
    let fixture = try Fixture(medium)
    let data = [
      Descriptor(address: BlockRig.data, length: 512, flags: Descriptor.isWritable),
      Descriptor(address: BlockRig.data + 0x1000, length: 1024, flags: Descriptor.isWritable),
    ]
    #expect(try fixture.rig.submit(try fixture.rig.request(type: 0, sector: 5, data: data)) == (0, 1537))
    #expect(try fixture.rig.memory.bytes(at: GuestAddress(BlockRig.data), count: 512) == sector(5))
    #expect(
      try fixture.rig.memory.bytes(at: GuestAddress(BlockRig.data + 0x1000), count: 1024) == sector(6) + sector(7))
  }

  @Test(arguments: Medium.allCases)
  func writeReachesTheMedium(medium: Medium) throws {
    let fixture = try Fixture(medium)
    try fixture.rig.memory.write(sector(0xA1) + sector(0xA2), at: GuestAddress(BlockRig.data))
    let data = [Descriptor(address: BlockRig.data, length: 1024)]
    #expect(try fixture.rig.submit(try fixture.rig.request(type: 1, sector: 2046, data: data)) == (0, 1))
    #expect(try fixture.sector(2045) == sector(0xFD))
    #expect(try fixture.sector(2046) == sector(0xA1))
    #expect(try fixture.sector(2047) == sector(0xA2))
  }

  @Test(arguments: Medium.allCases, [1, 4, 100, 511])
  func misalignedBuffersAreServed(medium: Medium, offset: UInt64) throws {
    let fixture = try Fixture(medium)
    try fixture.rig.memory.write(sector(0xB1), at: GuestAddress(BlockRig.data + offset))
    let out = [
      Descriptor(address: BlockRig.data + offset, length: 200),
      Descriptor(address: BlockRig.data + offset + 200, length: 312),
    ]
    #expect(try fixture.rig.submit(try fixture.rig.request(type: 1, sector: 9, data: out)) == (0, 1))
    let back = [Descriptor(address: BlockRig.data + 0x2001 + offset, length: 512, flags: Descriptor.isWritable)]
    #expect(try fixture.rig.submit(try fixture.rig.request(type: 0, sector: 9, data: back)) == (0, 513))
    #expect(try fixture.rig.memory.bytes(at: GuestAddress(BlockRig.data + 0x2001 + offset), count: 512) == sector(0xB1))
  }

  @Test(arguments: Medium.allCases)
  func indirectRequestIsServed(medium: Medium) throws {
    let fixture = try Fixture(medium)
    let data = [Descriptor(address: BlockRig.data, length: 4096, flags: Descriptor.isWritable)]
    try fixture.rig.queue.writeIndirect(
      try fixture.rig.request(type: 0, sector: 16, data: data), table: 0x9_0000, at: 0)
    try fixture.rig.queue.publish(0)
    fixture.rig.driver.write(0, to: .queueNotify)
    try fixture.rig.waitForInterrupt()
    #expect(try fixture.rig.status() == 0)
    #expect(try fixture.rig.memory.bytes(at: GuestAddress(BlockRig.data), count: 512) == sector(16))
  }

  @Test(arguments: Medium.allCases)
  func headerAndStatusMaySitAnywhereInTheirBuffers(medium: Medium) throws {
    let fixture = try Fixture(medium)
    let plain = try fixture.rig.request(type: 0, sector: 3)
    let chain = [
      Descriptor(address: plain[0].address, length: 5), Descriptor(address: plain[0].address + 5, length: 11),
      Descriptor(address: BlockRig.data, length: 513, flags: Descriptor.isWritable),
    ]
    let index = fixture.rig.queue.available
    _ = try fixture.rig.submit(chain)
    #expect(try fixture.rig.queue.used(index).written == 513)
    #expect(try fixture.rig.memory.bytes(at: GuestAddress(BlockRig.data), count: 513) == sector(3) + [0])
  }

  @Test(arguments: Medium.allCases)
  func flushCompletes(medium: Medium) throws {
    let fixture = try Fixture(medium)
    #expect(try fixture.rig.submit(try fixture.rig.request(type: 4)) == (0, 1))
  }

  @Test(arguments: Medium.allCases)
  func writeOfADriverThatCannotFlushReachesTheMedium(medium: Medium) throws {
    let fixture = try Fixture(medium)
    try fixture.rig.start([.version1, .eventIndex])
    try fixture.rig.memory.write(sector(0xC7), at: GuestAddress(BlockRig.data))
    let data = [Descriptor(address: BlockRig.data, length: 512)]
    #expect(try fixture.rig.submit(try fixture.rig.request(type: 1, sector: 4, data: data)) == (0, 1))
    #expect(try fixture.sector(4) == sector(0xC7))
  }

  @Test(arguments: Medium.allCases)
  func discardedSectorsReadAsZero(medium: Medium) throws {
    let fixture = try Fixture(medium)
    let chain = try discard(fixture.rig, sector: 8, count: 8, flags: 0)
    #expect(try fixture.rig.submit(chain) == (0, 1))
    #expect(try fixture.sector(7) == sector(7))
    #expect(try (8..<16).allSatisfy { try fixture.sector($0) == sector(0) })
    #expect(try fixture.sector(16) == sector(16))
  }

  private func discard(_ rig: BlockRig, sector: UInt64, count: UInt32, flags: UInt32) throws -> [Descriptor] {
    try rig.memory.write(sector, at: GuestAddress(BlockRig.data))
    try rig.memory.write(count, at: GuestAddress(BlockRig.data + 8))
    try rig.memory.write(flags, at: GuestAddress(BlockRig.data + 12))
    return try rig.request(type: 11, data: [Descriptor(address: BlockRig.data, length: 16)])
  }

  @Test func identifierHasTwentyBytes() throws {
    let fixture = try Fixture(.memory)
    let data = [Descriptor(address: BlockRig.data + 3, length: 20, flags: Descriptor.isWritable)]
    #expect(try fixture.rig.submit(try fixture.rig.request(type: 8, data: data)) == (0, 21))
    let bytes = try fixture.rig.memory.bytes(at: GuestAddress(BlockRig.data + 3), count: 21)
    #expect(bytes == Array("serial-0123456789abc".utf8) + [0])
  }

  @Test(arguments: [UInt32(2), 5, 13, 14, 0xFFFF_FFFF])
  func unknownRequestIsUnsupported(type: UInt32) throws {
    let fixture = try Fixture(.memory)
    #expect(try fixture.rig.submit(try fixture.rig.request(type: type)) == (2, 1))
  }

  @Test(arguments: [UInt64(2048), 2047, 1 << 55, 1 << 56, (1 << 55) - 1, .max])
  func sectorsBeyondTheMediumAreAnError(sector: UInt64) throws {
    let fixture = try Fixture(.memory)
    let read = [Descriptor(address: BlockRig.data, length: 1024, flags: Descriptor.isWritable)]
    #expect(try fixture.rig.submit(try fixture.rig.request(type: 0, sector: sector, data: read)) == (1, 1))
    let write = [Descriptor(address: BlockRig.data, length: 1024)]
    #expect(try fixture.rig.submit(try fixture.rig.request(type: 1, sector: sector, data: write)) == (1, 1))
  }

  @Test(arguments: [UInt32(1), 511, 513, 1000])
  func partialSectorsAreAnError(length: UInt32) throws {
    let fixture = try Fixture(.memory)
    let data = [Descriptor(address: BlockRig.data, length: length, flags: Descriptor.isWritable)]
    #expect(try fixture.rig.submit(try fixture.rig.request(type: 0, data: data)) == (1, 1))
  }

  @Test func transferWithoutDataIsAnError() throws {
    let fixture = try Fixture(.memory)
    #expect(try fixture.rig.submit(try fixture.rig.request(type: 0)) == (1, 1))
    #expect(try fixture.rig.submit(try fixture.rig.request(type: 1)) == (1, 1))
  }

  @Test func transferInTheWrongDirectionIsAnError() throws {
    let fixture = try Fixture(.memory)
    let readable = [Descriptor(address: BlockRig.data, length: 512)]
    #expect(try fixture.rig.submit(try fixture.rig.request(type: 0, data: readable)) == (1, 1))
    let writable = [Descriptor(address: BlockRig.data, length: 512, flags: Descriptor.isWritable)]
    #expect(try fixture.rig.submit(try fixture.rig.request(type: 1, data: writable)) == (1, 1))
  }

  @Test(arguments: [UInt32(1), 8, 15])
  func shortHeaderIsAnError(length: UInt32) throws {
    let fixture = try Fixture(.memory)
    var chain = try fixture.rig.request(type: 0)
    chain[0].length = length
    #expect(try fixture.rig.submit(chain) == (1, 1))
  }

  @Test func missingHeaderIsAnError() throws {
    let fixture = try Fixture(.memory)
    #expect(try fixture.rig.submit(Array(try fixture.rig.request(type: 0).dropFirst())) == (1, 1))
  }

  private static let impossibleDiscards: [(UInt64, UInt32)] = [
    (2047, 2), (2048, 1), (.max, 1), (0, .max), (0, (1 << 21) + 1),
  ]

  @Test(arguments: impossibleDiscards)
  func impossibleDiscardIsAnError(sector: UInt64, count: UInt32) throws {
    let fixture = try Fixture(.memory)
    #expect(try fixture.rig.submit(try discard(fixture.rig, sector: sector, count: count, flags: 0)) == (1, 1))
  }

  @Test func discardWithFlagsIsUnsupported() throws {
    let fixture = try Fixture(.memory)
    #expect(try fixture.rig.submit(try discard(fixture.rig, sector: 0, count: 1, flags: 1)) == (2, 1))
  }

  @Test(arguments: [UInt32(1), 15, 17, 32])
  func discardOfOtherThanOneRangeIsAnError(length: UInt32) throws {
    let fixture = try Fixture(.memory)
    var chain = try discard(fixture.rig, sector: 0, count: 1, flags: 0)
    chain[1].length = length
    #expect(try fixture.rig.submit(chain) == (1, 1))
  }

  @Test(arguments: Medium.allCases.filter { $0 != .memory })
  func readOnlyMediumRefusesWritesAndDiscards(medium: Medium) throws {
    let fixture = try Fixture(medium, isReadOnly: true)
    let data = [Descriptor(address: BlockRig.data, length: 512)]
    #expect(try fixture.rig.submit(try fixture.rig.request(type: 1, sector: 7, data: data)) == (1, 1))
    #expect(try fixture.rig.submit(try discard(fixture.rig, sector: 7, count: 1, flags: 0)) == (1, 1))
    #expect(try fixture.sector(7) == sector(7))
  }
}
