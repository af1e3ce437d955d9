import CLinuxKVM
import Glibc
import GuestMemory
import HostTopology
import KVM
import Testing

/// What this host lets the tests do. Whatever is missing is said once, loudly, on stderr.
enum Host {
  /// True where /dev/kvm can be opened.
  static let hasKVM: Bool = {
    guard access("/dev/kvm", R_OK | W_OK) != 0 else { return true }
    say("SKIPPED: KVM integration tests: /dev/kvm cannot be opened")
    return false
  }()

  /// The tracepoint's id, where it is within reach and may be counted.
  static let userspaceExitEvent: UInt64? = {
    guard case .found(let event) = Tracepoints.userspaceExitEvent() else {
      say("SKIPPED: userspace exit counter tests: kvm:kvm_userspace_exit is out of reach")
      return nil
    }
    guard (try? UserspaceExitCounter(event: event)) != nil else {
      say("SKIPPED: userspace exit counter tests: perf_event_open is not permitted")
      return nil
    }
    return event
  }()

  private static func say(_ line: String) {
    let text = Array((line + "\n").utf8)
    _ = write(STDERR_FILENO, text, text.count)
  }
}

/// A vCPU in long mode at CPL 0 with 2 MiB of RAM, the first GiB mapped one to one, and a few bytes of code.
struct TestGuest: ~Copyable {
  /// Outside RAM, inside the mapped GiB.
  static let mmio = GuestAddress(0x1000_0000)
  static let code = GuestAddress(0x10000)

  let memory: GuestMemory
  let vm: VirtualMachine
  let vcpu: VCPU

  init(_ code: [UInt8], hidesHypervisor: Bool = false, hasIRQChip: Bool = false) throws {
    let system = try KVMSystem()
    let memory = try GuestMemory(byteCount: 2 << 20)
    let vm = try system.createVM()
    try vm.setMemory(slot: 0, at: GuestAddress(0), memory.slot)
    if hasIRQChip { try vm.createIRQChip() }
    let vcpu = try vm.createVCPU(index: 0)

    try memory.write(UInt64(0x2003), at: GuestAddress(0x1000))
    try memory.write(UInt64(0x3003), at: GuestAddress(0x2000))
    for page in 0..<UInt64(512) { try memory.write(page << 21 | 0x83, at: GuestAddress(0x3000 + 8 * page)) }
    try memory.write(code, at: Self.code)

    let supported = try system.supportedCPUID().forVCPU(0)
    try vcpu.setCPUID(hidesHypervisor ? supported.hidingHypervisor() : supported)
    let stack = GuestAddress(0x80000)
    let root = GuestAddress(0x1000)
    try vcpu.setLongMode(
      LongModeEntry(entry: Self.code, stack: stack, pageTableRoot: root, xcr0: supported.xcr0))
    // A type that owns descriptors is initialised in one go, behind everything that can throw.
    self.memory = memory
    self.vm = vm
    self.vcpu = vcpu
  }

  /// Runs the vCPU until the guest leaves by itself. What other tests do in this process may interrupt KVM_RUN any time.
  func run() -> VCPUExit {
    for _ in 0..<1000 {
      let exit = vcpu.run()
      guard exit.isInterrupted else { return exit }
    }
    return .interrupted
  }
}

/// Machine code, an instruction each.
enum Code {
  static func loadAL(_ value: UInt8) -> [UInt8] { [0xb0, value] }
  static func loadEAX(_ value: UInt32) -> [UInt8] { [0xb8] + bytes(value) }
  static func outAL(_ port: UInt8) -> [UInt8] { [0xe6, port] }
  static func inAL(_ port: UInt8) -> [UInt8] { [0xe4, port] }
  static func storeEAX(_ address: GuestAddress) -> [UInt8] {
    [0x89, 0x04, 0x25] + bytes(UInt32(truncatingIfNeeded: address.value))
  }
  static func loadEAX(from address: GuestAddress) -> [UInt8] {
    [0x8b, 0x04, 0x25] + bytes(UInt32(truncatingIfNeeded: address.value))
  }
  /// Sets up the first 8259 for edges at vector 0x20 with one input open, says so at port 0xe9, and waits for an interrupt.
  /// There is no IDT, so that an interrupt that arrives ends the guest with a triple fault.
  static func waitForInterrupt(_ input: UInt8) -> [UInt8] {
    let commands: [(port: UInt8, value: UInt8)] = [
      (0x20, 0x11), (0x21, 0x20), (0x21, 0x04), (0x21, 0x01), (0x21, ~(1 << input)),
    ]
    return commands.flatMap { loadAL($0.value) + outAL($0.port) } + outAL(0xe9) + sti + hlt
  }
  static let sti: [UInt8] = [0xfb]
  static let cpuid: [UInt8] = [0x0f, 0xa2]
  static let hlt: [UInt8] = [0xf4]
  static let jumpToSelf: [UInt8] = [0xeb, 0xfe]

  private static func bytes(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
}

extension VCPUExit {
  var port: PortAccess? { if case .io(let access) = self { access } else { nil } }
  var mmio: MMIOAccess? { if case .mmio(let access) = self { access } else { nil } }
  var msrRead: MSRAccess? { if case .rdmsr(let access) = self { access } else { nil } }
  var failure: InternalError? { if case .internalError(let error) = self { error } else { nil } }
  var isHLT: Bool { if case .hlt = self { true } else { false } }
  var isInterrupted: Bool { if case .interrupted = self { true } else { false } }
  var isShutdown: Bool { if case .shutdown = self { true } else { false } }
  var unknownReason: UInt32? { if case .unknown(let reason) = self { reason } else { nil } }
}
