import CLinuxKVM
import DeviceModel
import GuestMemory

@testable import KVM

/// A run page that no kernel ever filled: fabricates exits and shows how they were answered.
final class FabricatedRun {
  private static let byteCount = 3 * 4096
  private static let dataOffset = 4096
  private let memory: UnsafeMutableRawBufferPointer
  private let run: UnsafeMutablePointer<kvm_run>

  private init(reason: Int32) {
    memory = .allocate(byteCount: Self.byteCount, alignment: 4096)
    memory.initializeMemory(as: UInt8.self, repeating: 0)
    // SAFETY: freshly allocated, aligned and larger than a kvm_run.
    run = UnsafeMutableRawPointer(memory.baseAddress.unsafelyUnwrapped).assumingMemoryBound(to: kvm_run.self)
    run.pointee.exit_reason = UInt32(bitPattern: reason)
  }

  deinit { memory.deallocate() }

  /// An IN or INS of `count` elements.
  static func input(_ port: UInt16, width: Int, count: Int = 1) -> FabricatedRun {
    let page = FabricatedRun(reason: KVM_EXIT_IO)
    page.setPort(port, direction: KVM_EXIT_IO_IN, width: width, count: count)
    return page
  }

  /// An OUT or OUTS of all of `bytes`.
  static func output(_ port: UInt16, width: Int, _ bytes: [UInt8]) -> FabricatedRun {
    let page = FabricatedRun(reason: KVM_EXIT_IO)
    page.setPort(port, direction: KVM_EXIT_IO_OUT, width: width, count: bytes.count / width)
    for (index, byte) in bytes.enumerated() { page.memory[dataOffset + index] = byte }
    return page
  }

  /// A read of guest-physical memory that no slot holds.
  static func load(_ address: UInt64, width: Int) -> FabricatedRun {
    let page = FabricatedRun(reason: KVM_EXIT_MMIO)
    page.run.pointee.mmio.phys_addr = address
    page.run.pointee.mmio.len = UInt32(width)
    return page
  }

  /// A write of the low `width` bytes of `value` to guest-physical memory that no slot holds.
  static func store(_ value: UInt64, at address: UInt64, width: Int) -> FabricatedRun {
    let page = load(address, width: width)
    page.run.pointee.mmio.is_write = 1
    withUnsafeMutableBytes(of: &page.run.pointee.mmio.data) { data in
      for index in 0..<width { data[index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index)) }
    }
    return page
  }

  /// RDMSR or WRMSR, which came here because of `cause` (KVM_MSR_EXIT_REASON_…).
  static func msr(_ index: UInt32, reason: Int32, cause: UInt32 = 0) -> FabricatedRun {
    let page = FabricatedRun(reason: reason)
    page.run.pointee.msr.index = index
    page.run.pointee.msr.reason = cause
    return page
  }

  /// KVM_EXIT_INTERNAL_ERROR.
  static func internalError(suberror: UInt32) -> FabricatedRun {
    let page = FabricatedRun(reason: KVM_EXIT_INTERNAL_ERROR)
    page.run.pointee.internal.suberror = suberror
    return page
  }

  /// The exit as KVM's owner decodes it; valid as long as this object.
  var exit: VCPUExit { VCPUExit.decode(run, byteCount: Self.byteCount) }

  /// The first `count` bytes of port data.
  func portData(_ count: Int) -> [UInt8] { Array(memory[Self.dataOffset..<(Self.dataOffset + count)]) }

  /// All eight bytes of MMIO data.
  var mmioData: [UInt8] { withUnsafeBytes(of: run.pointee.mmio.data) { Array($0) } }

  /// What an MSR access was answered with.
  var msrValue: UInt64 { run.pointee.msr.data }

  /// True where an MSR access was answered with #GP.
  var isRefused: Bool { run.pointee.msr.error == 1 }

  private func setPort(_ port: UInt16, direction: Int32, width: Int, count: Int) {
    run.pointee.io.port = port
    run.pointee.io.direction = UInt8(direction)
    run.pointee.io.size = UInt8(width)
    run.pointee.io.count = UInt32(count)
    run.pointee.io.data_offset = UInt64(Self.dataOffset)
  }
}

/// A device that notes what it was asked.
final class Probe: Device {
  private(set) var calls: [String] = []

  /// Answers every read; an unaligned count of bits, to show what is cut.
  static let answer: UInt64 = 0x1122_3344_5566_7788

  func read(at offset: Int, width: AccessWidth) -> UInt64 {
    calls.append("read \(width) at \(offset)")
    return Self.answer
  }

  func write(_ value: UInt64, at offset: Int, width: AccessWidth) {
    calls.append("write \(width) at \(offset): 0x\(String(value, radix: 16))")
  }

  func read(at offset: Int, width: AccessWidth, into bytes: inout MutableRawSpan) {
    calls.append("read \(bytes.byteCount) bytes by \(width) at \(offset)")
    for index in 0..<bytes.byteCount { bytes.storeBytes(of: UInt8(index), toByteOffset: index, as: UInt8.self) }
  }

  func write(_ bytes: RawSpan, at offset: Int, width: AccessWidth) {
    let list = (0..<bytes.byteCount).map { bytes.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
    calls.append("write \(list) by \(width) at \(offset)")
  }
}
