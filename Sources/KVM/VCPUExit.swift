import CLinuxKVM
import GuestMemory

/// A port access that userspace has to answer (KVM_EXIT_IO). Valid until the vCPU runs again.
public struct PortAccess {
  /// The port.
  public let port: UInt16
  /// True for IN and INS: `data` is to be filled. False for OUT and OUTS: `data` holds what the guest wrote.
  public let isInput: Bool
  /// Bytes an element: 1, 2 or 4.
  public let width: Int
  /// Elements: more than 1 for string instructions only.
  public let count: Int
  /// `width × count` bytes in the run page, element after element, little-endian.
  public let data: UnsafeMutableRawBufferPointer

  /// The first element, zero-extended. Setting it answers an IN.
  public var value: UInt64 {
    get { loadLittleEndian(data.baseAddress, width: width) }
    nonmutating set { storeLittleEndian(newValue, data.baseAddress, width: width) }
  }
}

/// A memory-mapped access that userspace has to answer (KVM_EXIT_MMIO). Valid until the vCPU runs again.
public struct MMIOAccess {
  /// The guest-physical address, outside every memory slot.
  public let address: GuestAddress
  /// True where `data` holds what the guest wrote, false where it is to be filled.
  public let isWrite: Bool
  /// Bytes: 1 to 8, not always a power of two (an access that crosses a page comes in two parts).
  public let width: Int
  /// `width` bytes in the run page, little-endian.
  public let data: UnsafeMutableRawBufferPointer

  /// The bytes as a number, zero-extended. Setting it answers a read.
  public var value: UInt64 {
    get { loadLittleEndian(data.baseAddress, width: width) }
    nonmutating set { storeLittleEndian(newValue, data.baseAddress, width: width) }
  }
}

/// An access to a model-specific register that userspace has to answer (KVM_CAP_X86_USER_SPACE_MSR). Valid until the vCPU
/// runs again.
public struct MSRAccess {
  /// The register.
  public let index: UInt32
  /// Why KVM asks: KVM_MSR_EXIT_REASON_….
  public let reason: UInt32
  /// What WRMSR writes.
  public let data: UInt64
  private let run: UnsafeMutablePointer<kvm_run>

  init(run: UnsafeMutablePointer<kvm_run>) {
    let access = pv_run_msr(run)
    self.index = access.index
    self.reason = access.reason
    self.data = access.data
    self.run = run
  }

  /// True where a filter of this program's has brought the access here.
  public var isFiltered: Bool { reason == UInt32(KVM_MSR_EXIT_REASON_FILTER) }

  /// Completes the instruction; RDMSR returns `value`.
  public func answer(_ value: UInt64 = 0) { pv_run_msr_answer(run, value, 0) }

  /// Gives the guest #GP(0) in place of an answer.
  public func refuse() { pv_run_msr_answer(run, 0, 1) }
}

/// KVM gave up (KVM_EXIT_INTERNAL_ERROR). Valid until the vCPU runs again.
public struct InternalError: CustomStringConvertible {
  /// KVM_INTERNAL_ERROR_…: 1 is an instruction that KVM could not emulate.
  public let suberror: UInt32
  /// Up to 16 words in the run page; after suberror 1: flags, then the length and the bytes of the instruction.
  public let data: UnsafeBufferPointer<UInt64>

  /// `emulation failure` or `suberror N`, and the words in hexadecimal.
  public var description: String {
    let name = suberror == 1 ? "emulation failure" : "suberror \(suberror)"
    return data.reduce("KVM internal error: \(name), data") { $0 + " 0x" + String($1, radix: 16) }
  }
}

/// Why KVM_RUN returned, decoded once. Accesses point into the vCPU's run page: answer them before the next `run()`, and
/// keep none of them.
public enum VCPUExit {
  /// IN, OUT, INS or OUTS.
  case io(PortAccess)
  /// An access to guest-physical memory that no slot holds.
  case mmio(MMIOAccess)
  /// HLT, without an in-kernel interrupt controller to wait for.
  case hlt
  /// A triple fault.
  case shutdown
  /// A signal or an immediate-exit request; nothing to answer.
  case interrupted
  /// KVM could not go on.
  case internalError(InternalError)
  /// The processor refused the guest's state.
  case failEntry(reason: UInt64)
  /// KVM_SYSTEM_EVENT_…: shutdown 1, reset 2, crash 3.
  case systemEvent(type: UInt32)
  /// RDMSR.
  case rdmsr(MSRAccess)
  /// WRMSR.
  case wrmsr(MSRAccess)
  /// A hypercall that userspace has to answer.
  case hypercall(number: UInt64)
  /// A guest debugging event.
  case debug
  /// An exception that KVM does not handle.
  case exception(vector: UInt32)
  /// An end of interrupt for a split I/O APIC.
  case ioapicEOI(vector: UInt8)
  /// The guest can take an interrupt now.
  case irqWindowOpen
  /// A KVM_EXIT reason that this program does not know, or whose description does not lie in the run page.
  case unknown(UInt32)
  /// KVM_RUN itself failed.
  case runFailed(errno: Int32)

  /// Decodes a run page of `byteCount` bytes after a successful KVM_RUN. Everything is checked against `byteCount`; nothing
  /// is allocated.
  static func decode(_ run: UnsafeMutablePointer<kvm_run>, byteCount: Int) -> VCPUExit {
    let reason = run.pointee.exit_reason
    switch Int32(bitPattern: reason) {
    case KVM_EXIT_IO: return decodePort(run, byteCount: byteCount)
    case KVM_EXIT_MMIO: return decodeMMIO(run)
    case KVM_EXIT_HLT: return .hlt
    case KVM_EXIT_SHUTDOWN: return .shutdown
    case KVM_EXIT_INTR: return .interrupted
    case KVM_EXIT_INTERNAL_ERROR:
      let count = min(16, Int(pv_run_internal_count(run)))
      let data = UnsafeBufferPointer(start: pv_run_internal_data(run), count: count)
      return .internalError(InternalError(suberror: pv_run_internal_suberror(run), data: data))
    case KVM_EXIT_FAIL_ENTRY: return .failEntry(reason: pv_run_fail_entry_reason(run))
    case KVM_EXIT_SYSTEM_EVENT: return .systemEvent(type: pv_run_system_event(run))
    case KVM_EXIT_X86_RDMSR: return .rdmsr(MSRAccess(run: run))
    case KVM_EXIT_X86_WRMSR: return .wrmsr(MSRAccess(run: run))
    case KVM_EXIT_HYPERCALL: return .hypercall(number: pv_run_hypercall_number(run))
    case KVM_EXIT_DEBUG: return .debug
    case KVM_EXIT_EXCEPTION: return .exception(vector: pv_run_exception_vector(run))
    case KVM_EXIT_IOAPIC_EOI: return .ioapicEOI(vector: pv_run_eoi_vector(run))
    case KVM_EXIT_IRQ_WINDOW_OPEN: return .irqWindowOpen
    default: return .unknown(reason)
    }
  }

  private static func decodePort(_ run: UnsafeMutablePointer<kvm_run>, byteCount: Int) -> VCPUExit {
    let access = pv_run_io(run)
    let length = UInt64(access.size) * UInt64(access.count)
    let limit = UInt64(byteCount)
    guard access.size == 1 || access.size == 2 || access.size == 4, access.count > 0, length <= limit,
      access.data_offset >= UInt64(MemoryLayout<kvm_run>.size), access.data_offset <= limit - length
    else { return .unknown(run.pointee.exit_reason) }
    // SAFETY: the range was just checked to lie in the mapping, behind the structure itself.
    let start = UnsafeMutableRawPointer(run) + Int(access.data_offset)
    return .io(
      PortAccess(
        port: access.port, isInput: access.direction == KVM_EXIT_IO_IN, width: Int(access.size),
        count: Int(access.count), data: UnsafeMutableRawBufferPointer(start: start, count: Int(length))))
  }

  private static func decodeMMIO(_ run: UnsafeMutablePointer<kvm_run>) -> VCPUExit {
    let access = pv_run_mmio(run)
    guard (1...8).contains(access.length) else { return .unknown(run.pointee.exit_reason) }
    let data = UnsafeMutableRawBufferPointer(start: pv_run_mmio_data(run), count: Int(access.length))
    return .mmio(
      MMIOAccess(
        address: GuestAddress(access.address), isWrite: access.is_write != 0, width: Int(access.length), data: data))
  }
}

private func loadLittleEndian(_ start: UnsafeMutableRawPointer?, width: Int) -> UInt64 {
  guard let start else { return 0 }
  // SAFETY: only `decode` makes accesses, with at least `width` (1 to 8) checked bytes behind `start`.
  switch width {
  case 1: return UInt64(start.load(as: UInt8.self))
  case 2: return UInt64(start.loadUnaligned(as: UInt16.self))
  case 4: return UInt64(start.loadUnaligned(as: UInt32.self))
  case 8: return start.loadUnaligned(as: UInt64.self)
  default: return (0..<width).reduce(0) { $0 | UInt64(start.load(fromByteOffset: $1, as: UInt8.self)) << (8 * $1) }
  }
}

private func storeLittleEndian(_ value: UInt64, _ start: UnsafeMutableRawPointer?, width: Int) {
  guard let start else { return }
  // SAFETY: as in `loadLittleEndian`.
  switch width {
  case 1: start.storeBytes(of: UInt8(truncatingIfNeeded: value), as: UInt8.self)
  case 2: start.storeBytes(of: UInt16(truncatingIfNeeded: value), as: UInt16.self)
  case 4: start.storeBytes(of: UInt32(truncatingIfNeeded: value), as: UInt32.self)
  case 8: start.storeBytes(of: value, as: UInt64.self)
  default:
    for index in 0..<width {
      start.storeBytes(of: UInt8(truncatingIfNeeded: value >> (8 * index)), toByteOffset: index, as: UInt8.self)
    }
  }
}
