import GuestMemory
import KVM
import PVWire
import Synchronization

/// Finds out whether a hypercall reaches KVM and comes back. On some hosts (a guest's ring 0 that is interpreted by a vendor
/// module without hypercalls) KVM_RUN never returns from one, so that no guest may try before it is known.
enum HypercallProbe {
  /// How long a hypercall of one instruction may take: a thousand times what it costs anywhere.
  private static let patienceMilliseconds = 200
  private static let code = GuestAddress(0x8000)

  /// True where a guest of a single hypercall, with a number that KVM does not know, is told so.
  static func reachesKVM(_ system: borrowing KVMSystem) -> Bool {
    guard let vcpu = try? guest(system), let answer = try? Probe(vcpu).answer() else { return false }
    return answer
  }

  /// `mov eax, -1; vmcall; out 0x80, eax`. KVM answers what it does not know with -KVM_ENOSYS, and corrects the other
  /// vendor's instruction (Linux, virt/kvm/x86/hypercalls.rst).
  private static let program: [UInt8] = [0xB8, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x01, 0xC1, 0xE7, 0x80]
  private static let unknownHypercall = UInt64(UInt32(bitPattern: -1000))

  private static func guest(_ system: borrowing KVMSystem) throws -> Guest {
    let memory = try GuestMemory(byteCount: 64 << 10)
    try GuestLoader.writePageTables(into: memory)
    try memory.write(program, at: code)
    let machine = try system.createVM()
    try machine.setMemory(slot: 0, at: GuestAddress(0), memory.slot)
    try machine.setTSSAddress()
    try machine.setIdentityMapAddress()
    let vcpu = try machine.createVCPU(index: 0)
    let table = try system.supportedCPUID()
    try vcpu.setCPUID(table.forVCPU(0))
    try vcpu.setLongMode(
      LongModeEntry(entry: code, stack: GuestAddress(0x9000), pageTableRoot: GuestAddress(MemoryMap.pageTables)))
    return Guest(vcpu: vcpu, memory: memory)
  }

  /// A vCPU and the memory that it runs in.
  private final class Guest: @unchecked Sendable {
    // SAFETY of Sendable: handed to one thread, which is joined.
    let vcpu: VCPU
    private let memory: GuestMemory

    init(vcpu: consuming VCPU, memory: GuestMemory) {
      self.vcpu = vcpu
      self.memory = memory
    }
  }

  private struct Probe {
    let guest: Guest
    init(_ guest: Guest) { self.guest = guest }

    func answer() throws(PosixThread.CreationError) -> Bool {
      let verdict = Verdict()
      let thread = try PosixThread(name: "probe", cpu: nil) { [guest] in
        if case .io(let access) = guest.vcpu.run(), !access.isInput, access.value == unknownHypercall {
          verdict.isGood.store(true, ordering: .releasing)
        }
        verdict.hasEnded.store(true, ordering: .releasing)
      }
      PosixThread.installInterruptHandler()
      var waited = 0
      while !verdict.hasEnded.load(ordering: .acquiring) {
        sleepMillisecond()
        waited += 1
        guard waited > patienceMilliseconds else { continue }
        guest.vcpu.stopper.requestImmediateExit()
        thread.interrupt()
      }
      thread.join()
      return verdict.isGood.load(ordering: .acquiring)
    }
  }

  private final class Verdict: Sendable {
    let isGood = Atomic(false)
    let hasEnded = Atomic(false)
  }
}
