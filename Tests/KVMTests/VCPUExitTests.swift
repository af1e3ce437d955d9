import CLinuxKVM
import GuestMemory
import Testing

@testable import KVM

/// A run page that no kernel ever filled.
private final class FabricatedRun {
  static let byteCount = 3 * 4096
  let run: UnsafeMutablePointer<kvm_run>
  private let memory: UnsafeMutableRawBufferPointer

  init(reason: Int32) {
    memory = .allocate(byteCount: Self.byteCount, alignment: 4096)
    memory.initializeMemory(as: UInt8.self, repeating: 0)
    run = UnsafeMutableRawPointer(memory.baseAddress.unsafelyUnwrapped).assumingMemoryBound(to: kvm_run.self)
    run.pointee.exit_reason = UInt32(bitPattern: reason)
  }

  deinit { memory.deallocate() }

  func setPort(_ port: UInt16, direction: Int32, size: UInt8, count: UInt32, offset: UInt64) {
    run.pointee.io.port = port
    run.pointee.io.direction = UInt8(direction)
    run.pointee.io.size = size
    run.pointee.io.count = count
    run.pointee.io.data_offset = offset
  }

  func storeByte(_ value: UInt8, at offset: Int) {
    memory.storeBytes(of: value, toByteOffset: offset, as: UInt8.self)
  }

  func decode() -> VCPUExit { VCPUExit.decode(run, byteCount: Self.byteCount) }
}

@Suite("decoding a run page")
struct VCPUExitTests {
  @Test func aStringOutputCarriesEveryElement() throws {
    let page = FabricatedRun(reason: KVM_EXIT_IO)
    page.setPort(0x1f0, direction: KVM_EXIT_IO_OUT, size: 2, count: 256, offset: 4096)
    page.storeByte(0x34, at: 4096)
    page.storeByte(0x12, at: 4097)
    let access = try #require(page.decode().port)
    #expect(access.port == 0x1f0)
    #expect(!access.isInput)
    #expect(access.width == 2)
    #expect(access.count == 256)
    #expect(access.data.count == 512)
    #expect(access.value == 0x1234)
  }

  @Test func dataMayEndWhereTheMappingEnds() throws {
    let page = FabricatedRun(reason: KVM_EXIT_IO)
    page.setPort(0x1f0, direction: KVM_EXIT_IO_IN, size: 4, count: 1024, offset: 2 * 4096)
    #expect(try #require(page.decode().port).data.count == 4096)
  }

  /// A description of port data that no sane kernel writes.
  struct PortData: Sendable {
    let size: UInt8
    let count: UInt32
    let offset: UInt64
  }

  @Test(arguments: [
    PortData(size: 1, count: 1, offset: 3 * 4096),
    PortData(size: 4, count: 1025, offset: 2 * 4096),
    PortData(size: 1, count: 1, offset: UInt64.max),
    PortData(size: 4, count: UInt32.max, offset: 4096),
    PortData(size: 1, count: 1, offset: 0),
    PortData(size: 3, count: 1, offset: 4096),
    PortData(size: 0, count: 1, offset: 4096),
    PortData(size: 1, count: 0, offset: 4096),
  ])
  func portDataOutsideTheMappingIsNotDecoded(_ data: PortData) {
    let page = FabricatedRun(reason: KVM_EXIT_IO)
    page.setPort(0x1f0, direction: KVM_EXIT_IO_OUT, size: data.size, count: data.count, offset: data.offset)
    #expect(page.decode().unknownReason == UInt32(KVM_EXIT_IO))
  }

  @Test(arguments: [UInt32(1), 2, 3, 4, 8])
  func anMMIOAccessKeepsItsWidth(width: UInt32) throws {
    let page = FabricatedRun(reason: KVM_EXIT_MMIO)
    page.run.pointee.mmio.phys_addr = 0xfeb0_0050
    page.run.pointee.mmio.len = width
    page.run.pointee.mmio.is_write = 1
    page.run.pointee.mmio.data = (0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
    let access = try #require(page.decode().mmio)
    #expect(access.address == GuestAddress(0xfeb0_0050))
    #expect(access.isWrite)
    #expect(access.value == UInt64.max >> (64 - 8 * UInt64(width)))
  }

  @Test(arguments: [UInt32(0), 9, UInt32.max])
  func anMMIOAccessOfImpossibleWidthIsNotDecoded(width: UInt32) {
    let page = FabricatedRun(reason: KVM_EXIT_MMIO)
    page.run.pointee.mmio.len = width
    #expect(page.decode().unknownReason == UInt32(KVM_EXIT_MMIO))
  }

  @Test func anAnswerFillsOnlyItsWidth() throws {
    let page = FabricatedRun(reason: KVM_EXIT_MMIO)
    page.run.pointee.mmio.len = 3
    try #require(page.decode().mmio).value = 0xaabb_ccdd
    #expect(page.run.pointee.mmio.data.0 == 0xdd)
    #expect(page.run.pointee.mmio.data.2 == 0xbb)
    #expect(page.run.pointee.mmio.data.3 == 0)
  }

  @Test func anEndlessInternalErrorIsCutToSixteenWords() throws {
    let page = FabricatedRun(reason: KVM_EXIT_INTERNAL_ERROR)
    page.run.pointee.internal.suberror = 1
    page.run.pointee.internal.ndata = UInt32.max
    let failure = try #require(page.decode().failure)
    #expect(failure.data.count == 16)
    #expect(failure.description.hasPrefix("KVM internal error: emulation failure, data 0x0"))
  }

  @Test func anMSRReadIsAnsweredOrRefused() throws {
    let page = FabricatedRun(reason: KVM_EXIT_X86_RDMSR)
    page.run.pointee.msr.index = 0x10
    let access = try #require(page.decode().msrRead)
    #expect(access.index == 0x10)
    access.answer(77)
    #expect(page.run.pointee.msr.data == 77)
    #expect(page.run.pointee.msr.error == 0)
    access.refuse()
    #expect(page.run.pointee.msr.error == 1)
  }

  @Test func aReasonFromTheFutureKeepsItsNumber() {
    #expect(FabricatedRun(reason: 999).decode().unknownReason == 999)
  }

  @Test func plainReasonsDecode() {
    #expect(FabricatedRun(reason: KVM_EXIT_HLT).decode().isHLT)
    #expect(FabricatedRun(reason: KVM_EXIT_SHUTDOWN).decode().isShutdown)
    #expect(FabricatedRun(reason: KVM_EXIT_INTR).decode().isInterrupted)
  }
}
