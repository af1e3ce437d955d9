import Drivers
import GuestKernel
import PVWire

/// steal: processor 0 works without a pause, and so do all others, on as many CPUs as the host gives them. What KVM says it has
/// kept from processor 0 in the window is compared, on the host, with what the host's scheduler says of that vCPU's thread.
///
/// Parameter: vcpus. One operation is a moment of work of always the same length; latency says how often it was interrupted. Value:
/// steal.guest, in the window.
enum StealWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    guard let steal = StealTime() else { throw .skipped(Text.bytes("CPUID shows no KVM that tells of steal time")) }
    let loop = try StealLoop(session, steal)
    loop.begin()
    try session.measure(loop)
    session.send(.value(name: Text.bytes("steal.guest"), loop.stolen))
  }
}

/// Nothing in it allocates.
private final class StealLoop: MeasuredLoop {
  let bytesPerOperation: UInt64 = 0
  private(set) var operations: UInt64 = 0
  private(set) var latency = LatencyHistogram()
  /// Nanoseconds that were stolen in the last run.
  private(set) var stolen: UInt64 = 0
  private let session: Session
  private let steal: StealTime
  private let processors: Int
  private let end = DMAMemory(count: 64)

  /// Multiplications of an operation: some microseconds.
  private static let work = 4096

  init(_ session: Session, _ steal: StealTime) throws(WorkloadFailure) {
    self.session = session
    self.steal = steal
    processors = try session.processors()
    LocalAPIC.enable(acceptsPIC: false)
  }

  /// Every other processor begins to take its share.
  func begin() {
    session.startOthers(of: processors) { _ in
      var state: UInt64 = 1
      while pv_load64(self.end.address) == 0 { state = StealLoop.work(state) }
    }
  }

  func forgetMeasurements() {
    operations = 0
    latency = LatencyHistogram()
  }

  func run(nanoseconds: UInt64) throws(WorkloadFailure) {
    let before = steal.nanoseconds
    let deadline = pv_tsc() &+ session.ticks(nanoseconds: nanoseconds)
    var state: UInt64 = 1
    var after: UInt64
    repeat {
      let start = pv_tsc()
      state = Self.work(state)
      after = pv_tsc()
      latency.record(session.nanoseconds(after &- start))
      operations += 1
      session.beat()
    } while after < deadline
    stolen = steal.nanoseconds &- before
  }

  func settle() throws(WorkloadFailure) {
    pv_store64(end.address, 1)
    try session.awaitProcessors(
      processors, ticks: session.ticks(nanoseconds: 2_000_000_000), "a vCPU does not come to the end of its work")
  }

  @inline(never) private static func work(_ state: UInt64) -> UInt64 {
    (0..<work).reduce(state) { state, _ in SectorPattern.mix(state) }
  }
}
