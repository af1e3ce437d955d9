import PVWire
import Testing

struct ProbeFrameTests {
  private let size = 64
  private let frame: UnsafeMutableRawBufferPointer
  private let hash: UInt64

  init() {
    frame = .allocate(byteCount: 64, alignment: 8)
    hash = frame.baseAddress.map { ProbeFrame.prepare($0, size: 64, destination: 0xFFFF_FFFF_FFFF, source: 0x06) } ?? 0
  }

  private func content() throws -> ProbeFrame.Content? {
    ProbeFrame.content(of: UnsafeRawPointer(try #require(frame.baseAddress)), size: size)
  }

  private func seal(_ sequence: UInt64) throws {
    let start = try #require(frame.baseAddress)
    ProbeFrame.seal(start, fillerHash: hash, content: ProbeFrame.Content(sequence: sequence, stamp: 99))
  }

  @Test func whatWasSealedIsRead() throws {
    try seal(7)
    #expect(try content() == ProbeFrame.Content(sequence: 7, stamp: 99))
  }

  @Test func typeAndAddressesAreWhereEthernetHasThem() {
    #expect(Array(frame[0..<14]) == [255, 255, 255, 255, 255, 255, 6, 0, 0, 0, 0, 0, 0x88, 0xB5])
  }

  @Test(arguments: 16..<64) func anyChangedByteIsSeen(offset: Int) throws {
    try seal(7)
    frame[offset] ^= 1
    #expect(try content() == nil)
  }

  @Test func exchangedAddressesAreNoDamage() throws {
    try seal(7)
    for index in 0..<6 { frame.swapAt(index, index + 6) }
    #expect(try content()?.sequence == 7)
  }

  @Test func aShorterFrameIsAnother() throws {
    try seal(7)
    #expect(ProbeFrame.content(of: UnsafeRawPointer(try #require(frame.baseAddress)), size: 63) == nil)
  }
}

struct FrameLedgerTests {
  private func ledger(_ numbers: [UInt64?]) -> FrameLedger {
    var ledger = FrameLedger()
    for number in numbers { ledger.enter(number.map { ProbeFrame.Content(sequence: $0, stamp: 0) }) }
    return ledger
  }

  private func counts(_ numbers: UInt64?...) -> [UInt64] {
    let ledger = ledger(numbers)
    return [ledger.received, ledger.lost, ledger.reordered, ledger.duplicated, ledger.corrupted]
  }

  @Test func inOrderNothingIsMissing() { #expect(counts(0, 1, 2, 3) == [4, 0, 0, 0, 0]) }
  @Test func gapIsLost() { #expect(counts(0, 3) == [2, 2, 0, 0, 0]) }
  @Test func lateFrameIsReorderedAndNotLost() { #expect(counts(0, 2, 1) == [3, 0, 1, 0, 0]) }
  @Test func secondArrivalIsADuplicate() { #expect(counts(0, 1, 1, 0) == [2, 0, 0, 2, 0]) }
  @Test func damagedFrameCountsOnce() { #expect(counts(0, nil, 2) == [2, 1, 0, 0, 1]) }
  @Test func duplicateOfALateFrameIsOne() { #expect(counts(0, 2, 1, 1) == [3, 0, 1, 1, 0]) }
  @Test func tooLateToRememberIsADuplicate() { #expect(counts(10_000, 1) == [1, 10_000, 0, 1, 0]) }
  @Test func absurdNumberDoesNotTrap() { #expect(counts(.max, 5)[0] == 2) }

  @Test func whatIsMissingAtTheEndIsLost() {
    var ledger = ledger([0, 1])
    ledger.close(sent: 5)
    #expect(ledger.lost == 3)
  }
}
