import Glibc
import Testing

@testable import GuestMemory

private let size = 8192

private func makeMemory() throws -> GuestMemory { try GuestMemory(byteCount: size) }

extension GuestMemory {
  /// Which pages take memory of the host (mincore(2)).
  fileprivate var residentPages: [Bool] {
    var pages = [UInt8](repeating: 0, count: byteCount / 4096)
    return mincore(slot.start, slot.count, &pages) == 0 ? pages.map { $0 & 1 != 0 } : []
  }
}

@Suite("guest memory")
struct GuestMemoryTests {
  @Test(arguments: [(1, 4096), (4096, 4096), (4097, 8192)])
  func sizesAreRoundedUpToPages(asked: Int, given: Int) throws {
    #expect(try GuestMemory(byteCount: asked).byteCount == given)
  }

  @Test(arguments: [0, -1, 1 << 60, Int.max])
  func impossibleSizesAreRefused(byteCount: Int) {
    #expect(throws: GuestMemoryError.self) { try GuestMemory(byteCount: byteCount) }
  }

  @Test func newMemoryIsZero() throws {
    #expect(try makeMemory().bytes(at: GuestAddress(0), count: size) == [UInt8](repeating: 0, count: size))
  }

  @Test func ramInPlaceHasNothingBelowItsOrigin() throws {
    let origin: UInt64 = 0x3_0000_0000  // far from everything that a process has
    let memory = try GuestMemory(inPlaceFrom: GuestAddress(origin), byteCount: Int(origin) + 8192)
    try memory.write(UInt64(7), at: GuestAddress(origin + 8184))
    #expect(UnsafePointer<UInt64>(bitPattern: UInt(origin + 8184))?.pointee == 7)
    #expect(memory.slot.count == 8192)
    #expect(throws: GuestMemoryError.self) { try memory.read(UInt8.self, at: GuestAddress(origin - 1)) }
    #expect(throws: GuestMemoryError.self) { try memory.read(UInt64.self, at: GuestAddress(origin + 8185)) }
    #expect(throws: GuestMemoryError.cannotMap(byteCount: Int(origin) + 4096, errno: EEXIST)) {
      try GuestMemory(inPlaceFrom: GuestAddress(origin), byteCount: Int(origin) + 4096)
    }
  }

  @Test func pagesOfAPoolAreThereOrMissedAtOnce() throws {
    // Whatever the host's pool holds, a TiB of it is not free.
    #expect(throws: GuestMemoryError.noHugePages(size: 2 << 20)) {
      try GuestMemory(byteCount: 1 << 40, pages: .huge2M)
    }
  }

  @Test(arguments: [false, true]) func discardedPagesAreZeroAndTakeNoMemory(isShared: Bool) throws {
    let memory = try GuestMemory(byteCount: 4 * 4096, isShared: isShared)
    try memory.write([UInt8](repeating: 7, count: 4 * 4096), at: GuestAddress(0))
    #expect(memory.residentPages == [true, true, true, true])
    try memory.discard(at: GuestAddress(4096), count: 2 * 4096)
    #expect(memory.residentPages == [true, false, false, true])
    #expect(try memory.read(UInt8.self, at: GuestAddress(4095)) == 7)
    #expect(try memory.bytes(at: GuestAddress(4096), count: 2 * 4096).allSatisfy { $0 == 0 })
    #expect(try memory.read(UInt8.self, at: GuestAddress(3 * 4096)) == 7)
  }

  @Test func sharedMemoryIsThatOfItsDescriptor() throws {
    let memory = try GuestMemory(byteCount: 5000, isShared: true)
    let descriptor = try #require(memory.descriptor)
    var status = stat()
    #expect(fstat(descriptor, &status) == 0)
    #expect(status.st_size == 8192)
    try memory.write(UInt8(0x5A), at: GuestAddress(4096))
    var byte: UInt8 = 0
    #expect(pread(descriptor, &byte, 1, 4096) == 1)
    #expect(byte == 0x5A)
    #expect(status.st_blocks == 0)
    try memory.discard(at: GuestAddress(4096), count: 4096)
    #expect(fstat(descriptor, &status) == 0)
    #expect(status.st_blocks == 0)
    #expect(pread(descriptor, &byte, 1, 4096) == 1)
    #expect(byte == 0)
  }

  @Test func privateMemoryHasNoDescriptor() throws {
    #expect(try makeMemory().descriptor == nil)
  }

  @Test(arguments: [0, -1, 1 << 60, Int.max])
  func impossibleSizesOfSharedMemoryAreRefused(byteCount: Int) {
    #expect(throws: GuestMemoryError.self) { try GuestMemory(byteCount: byteCount, isShared: true) }
  }

  @Test(arguments: [(1, 4096), (4096, 100), (2048, 4096)])
  func onlyWholePagesAreDiscarded(address: UInt64, count: Int) throws {
    let memory = try makeMemory()
    try memory.write(UInt64(7), at: GuestAddress(4096))
    #expect(throws: GuestMemoryError.self) { try memory.discard(at: GuestAddress(address), count: count) }
    #expect(try memory.read(UInt64.self, at: GuestAddress(4096)) == 7)
  }

  @Test(arguments: [(UInt64(8192), 4096), (0, 12288), (UInt64.max - 4095, 4096), (1 << 44, 4096), (0, -4096)])
  func nothingOutsideOfMemoryIsDiscarded(address: UInt64, count: Int) throws {
    let memory = try makeMemory()
    #expect(throws: GuestMemoryError.outOfRange(GuestAddress(address), count: UInt64(clamping: count))) {
      try memory.discard(at: GuestAddress(address), count: count)
    }
  }

  @Test func theSlotIsAllOfMemory() throws {
    let memory = try makeMemory()
    #expect(memory.slot.count == size)
    #expect(try memory.hostRange(at: GuestAddress(16), count: 1).start == memory.slot.start + 16)
  }

  @Test(arguments: [UInt64(0), 1, 4095, 4097, 8184])
  func aValueComesBackFromAnyAlignment(address: UInt64) throws {
    let memory = try makeMemory()
    try memory.write(UInt64(0x0123_4567_89AB_CDEF), at: GuestAddress(address))
    #expect(try memory.read(UInt64.self, at: GuestAddress(address)) == 0x0123_4567_89AB_CDEF)
    #expect(try memory.read(UInt8.self, at: GuestAddress(address)) == 0xEF)
  }

  @Test func bytesComeBackByEveryWay() throws {
    let memory = try makeMemory()
    let written = (0..<255).map { UInt8($0) }
    try memory.write(written, at: GuestAddress(100))
    #expect(try memory.bytes(at: GuestAddress(100), count: 255) == written)

    try written.withUnsafeBytes { try memory.write($0, at: GuestAddress(5000)) }
    var read = [UInt8](repeating: 0, count: 255)
    try read.withUnsafeMutableBytes { try memory.read(at: GuestAddress(5000), into: $0) }
    #expect(read == written)
    #expect(try memory.read(UInt8.self, at: GuestAddress(4999)) == 0)
    #expect(try memory.read(UInt8.self, at: GuestAddress(5255)) == 0)
  }

  /// Ranges that end beyond memory, some of which would not if the sum wrapped around.
  static let outside: [(address: UInt64, count: Int)] = [
    (UInt64(size), 1), (UInt64(size - 1), 2), (0, size + 1), (UInt64.max, 1), (UInt64.max - 3, 8), (UInt64.max, 0),
    (1, Int.max), (UInt64(Int.max), Int.max), (1 << 63, 1), (0, -1), (UInt64(size), Int.min),
  ]

  @Test(arguments: outside)
  func rangesOutsideMemoryAreRefused(address: UInt64, count: Int) throws {
    let memory = try makeMemory()
    let error = GuestMemoryError.outOfRange(GuestAddress(address), count: UInt64(clamping: count))
    #expect(throws: error) { try memory.hostRange(at: GuestAddress(address), count: count) }
    #expect(throws: error) { try memory.bytes(at: GuestAddress(address), count: count) }
  }

  @Test func anEmptyRangeMayStandAtTheEnd() throws {
    let memory = try makeMemory()
    #expect(try memory.bytes(at: GuestAddress(UInt64(size)), count: 0).isEmpty)
    try memory.write([], at: GuestAddress(UInt64(size)))
  }

  @Test(arguments: [UInt64(size - 7), UInt64(size), UInt64.max - 7, UInt64.max])
  func aValueThatDoesNotFitIsNeitherReadNorWritten(address: UInt64) throws {
    let memory = try makeMemory()
    let error = GuestMemoryError.outOfRange(GuestAddress(address), count: 8)
    #expect(throws: error) { try memory.read(UInt64.self, at: GuestAddress(address)) }
    #expect(throws: error) { try memory.write(UInt64.max, at: GuestAddress(address)) }
    #expect(throws: error) { try memory.write([UInt8](repeating: 255, count: 8), at: GuestAddress(address)) }
    #expect(try memory.bytes(at: GuestAddress(0), count: size).allSatisfy { $0 == 0 })
  }

  @Test func anAtomicValueComesBack() throws {
    let memory = try makeMemory()
    try memory.storeRelease16(0xBEEF, at: GuestAddress(UInt64(size - 2)))
    #expect(try memory.loadAcquire16(at: GuestAddress(UInt64(size - 2))) == 0xBEEF)
    #expect(try memory.read(UInt16.self, at: GuestAddress(UInt64(size - 2))) == 0xBEEF)
  }

  @Test(arguments: [UInt64(1), 4095, UInt64.max])
  func misalignedAtomicsAreRefused(address: UInt64) throws {
    let memory = try makeMemory()
    let error = GuestMemoryError.misaligned(GuestAddress(address), alignment: 2)
    #expect(throws: error) { try memory.loadAcquire16(at: GuestAddress(address)) }
    #expect(throws: error) { try memory.storeRelease16(1, at: GuestAddress(address)) }
  }

  @Test(arguments: [UInt64(size), UInt64.max - 1])
  func atomicsOutsideMemoryAreRefused(address: UInt64) throws {
    let memory = try makeMemory()
    let error = GuestMemoryError.outOfRange(GuestAddress(address), count: 2)
    #expect(throws: error) { try memory.loadAcquire16(at: GuestAddress(address)) }
    #expect(throws: error) { try memory.storeRelease16(1, at: GuestAddress(address)) }
  }

  @Test func errorsNameAddressAndCount() {
    let outside = GuestMemoryError.outOfRange(GuestAddress(0x1000), count: 16)
    #expect("\(outside)" == "guest address 0x1000 + 16 bytes is outside guest RAM")
    let misaligned = GuestMemoryError.misaligned(GuestAddress(0x1001), alignment: 2)
    #expect("\(misaligned)" == "guest address 0x1001 is not 2-byte aligned")
  }
}

@Suite("guest address")
struct GuestAddressTests {
  @Test func sumsWrapAround() {
    #expect(GuestAddress(UInt64.max) + 2 == GuestAddress(1))
  }

  @Test func addressesAreOrderedWithoutASign() {
    #expect(GuestAddress(1) < GuestAddress(1 << 63))
    #expect(!(GuestAddress(2) < GuestAddress(2)))
  }

  @Test func anAddressIsShownInHexadecimal() {
    #expect("\(GuestAddress(0xFEB0_0050))" == "0xfeb00050")
  }

  @Test func hugePagesAreAlignedAlikeInGuestAndHost() throws {
    let memory = try GuestMemory(byteCount: 6 << 20, pages: .transparent)
    #expect(memory.byteCount == 6 << 20)
    #expect(UInt(bitPattern: memory.slot.start) % UInt(2 << 20) == 0)
    try memory.write(UInt64(7), at: GuestAddress((6 << 20) - 8))
    #expect(try memory.read(UInt64.self, at: GuestAddress((6 << 20) - 8)) == 7)
  }
}
