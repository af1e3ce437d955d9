import GuestMemory
import KVM
import PVWire
import Synchronization

/// A guest of a few instructions in ring 0, to find out what becomes of them on this host before a real guest depends on it.
enum ProbeGuest {
  /// How long it may take: a thousand times what an instruction costs anywhere.
  private static let patienceMilliseconds = 200
  private static let code = GuestAddress(0x8000)

  /// Runs `program` until its first exit.
  ///
  /// - Returns: what `judge` says of the exit; nil where there was none in time, or no guest could be made.
  static func run(
    _ program: [UInt8], _ system: borrowing KVMSystem, judge: @escaping @Sendable (VCPUExit) -> Bool
  ) -> Bool? {
    guard let guest = try? make(program, system) else { return nil }
    return try? answer(guest, judge)
  }

  private static func make(_ program: [UInt8], _ system: borrowing KVMSystem) throws -> Guest {
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

  private final class Verdict: Sendable {
    let isGood = Atomic(false)
    let hasEnded = Atomic(false)
  }

  private static func answer(
    _ guest: Guest, _ judge: @escaping @Sendable (VCPUExit) -> Bool
  ) throws(PosixThread.CreationError) -> Bool? {
    let verdict = Verdict()
    let thread = try PosixThread(name: "probe", cpu: nil) {
      verdict.isGood.store(judge(guest.vcpu.run()), ordering: .releasing)
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
    return waited > patienceMilliseconds ? nil : verdict.isGood.load(ordering: .acquiring)
  }
}
