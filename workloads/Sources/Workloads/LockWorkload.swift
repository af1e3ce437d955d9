import Drivers
import GuestKernel
import PVWire

/// lock: all processors take a ticket lock again and again, and count under it what must add up in the end. One operation is
/// one turn of processor 0; latency runs from asking for the lock to having it.
///
/// Parameters: lock (spin: a waiter stays awake; kick: it halts after a while, and whoever releases the lock wakes it by
/// KVM_HC_KICK_CPU; Linux, virt/kvm/x86/hypercalls.rst), vcpus.
enum LockWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    let loop = try LockLoop(session)
    loop.begin()
    try session.measure(loop)
    session.send(.value(name: Text.bytes("lock.turns"), loop.turns))
    guard loop.counted == loop.turns else {
      throw .failed(
        Text.bytes("the lock does not exclude: turns ") + Text.decimal(loop.turns) + Text.bytes(", counted ")
          + Text.decimal(loop.counted))
    }
  }
}

/// Nothing in it allocates.
private final class LockLoop: MeasuredLoop {
  let bytesPerOperation: UInt64 = 0
  private(set) var operations: UInt64 = 0
  private(set) var latency = LatencyHistogram()
  private let session: Session
  private let processors: Int
  private let kicks: Bool
  private let memory: DMAMemory

  /// Offsets, a cache line each; from `processors` on one for each of them: the ticket that it sleeps for, and its turns.
  private enum Place {
    static let next: UInt = 0
    static let serving: UInt = 64
    static let counted: UInt = 128
    static let end: UInt = 192
    static let processors: UInt = 256
    static let stride: UInt = 64
    static let turns: UInt = 8
  }
  /// Looks at the lock before a waiter sleeps.
  private static let spins = 2000
  private static let awake = UInt64.max
  /// KVM_FEATURE_PV_UNHALT (Linux, virt/kvm/x86/cpuid.rst).
  private static let unhaltBit: UInt32 = 1 << 7

  init(_ session: Session) throws(WorkloadFailure) {
    self.session = session
    processors = try session.processors()
    kicks = session.isWord("lock", "kick")
    memory = DMAMemory(count: Int(Place.processors + Place.stride * UInt(Processors.most)))
    if kicks {
      guard KVMLeaves.features & Self.unhaltBit != 0 else {
        throw .skipped(Text.bytes("CPUID shows no KVM that wakes a halted vCPU on request"))
      }
      Hypercall.prepare()
    }
    LocalAPIC.enable(acceptsPIC: false)
    for index in 0..<processors { pv_store64(place(of: index), Self.awake) }
  }

  /// Every other processor begins to take its turns.
  func begin() {
    session.startOthers(of: processors) { index in
      while pv_load64(self.memory.address + Place.end) == 0 { self.turn(index) }
    }
  }

  func forgetMeasurements() {
    operations = 0
    latency = LatencyHistogram()
  }

  func run(nanoseconds: UInt64) throws(WorkloadFailure) {
    let deadline = pv_tsc() &+ session.ticks(nanoseconds: nanoseconds)
    repeat {
      latency.record(session.nanoseconds(turn(0)))
      operations += 1
      session.beat()
    } while pv_tsc() < deadline
  }

  /// The others end after the turn that they wait for.
  func settle() throws(WorkloadFailure) {
    pv_store64(memory.address + Place.end, 1)
    try session.awaitProcessors(
      processors, ticks: session.ticks(nanoseconds: 2_000_000_000),
      "a vCPU waits for the lock for ever: its kick was lost")
  }

  /// Turns of all processors, and what was counted in them.
  var turns: UInt64 { (0..<processors).reduce(0) { $0 + pv_load64(place(of: $1) + Place.turns) } }
  var counted: UInt64 { pv_load64(memory.address + Place.counted) }

  /// Takes the lock, counts, and gives it back; the ticks that it waited.
  @discardableResult private func turn(_ index: Int) -> UInt64 {
    let start = pv_tsc()
    let ticket = pv_fetch_add64(memory.address + Place.next, 1)
    acquire(ticket, index)
    let waited = pv_tsc() &- start
    // Two separate accesses: only the lock makes them one.
    pv_store64(memory.address + Place.counted, pv_load64(memory.address + Place.counted) + 1)
    pv_store64(place(of: index) + Place.turns, pv_load64(place(of: index) + Place.turns) + 1)
    release(ticket + 1)
    return waited
  }

  private func acquire(_ ticket: UInt64, _ index: Int) {
    let serving = memory.address + Place.serving
    while true {
      for _ in 0..<Self.spins {
        if pv_load64(serving) == ticket { return }
        pv_pause()
      }
      guard kicks else { continue }
      // Says that it sleeps, and then looks once more: whoever releases does it the other way round.
      pv_store64(place(of: index), ticket)
      pv_full_fence()
      let seen = pv_load64(serving)
      if seen != ticket { pv_wait(serving, seen) }
      pv_store64(place(of: index), Self.awake)
    }
  }

  private func release(_ next: UInt64) {
    pv_store64(memory.address + Place.serving, next)
    guard kicks else { return }
    pv_full_fence()
    for index in 0..<processors where pv_load64(place(of: index)) == next { Hypercall.make(.kickCPU, 0, UInt64(index)) }
  }

  private func place(of index: Int) -> UInt { memory.address + Place.processors + Place.stride * UInt(index) }
}
