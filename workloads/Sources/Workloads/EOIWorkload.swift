import Drivers
import GuestKernel
import PVWire

/// eoi: the processor interrupts itself, and the handler ends the interrupt. One operation is one interrupt.
///
/// Parameter: eoi (apic: a write to the local APIC; pv: KVM's flag, where KVM sets it, and the write where it does not). Value:
/// eoi.saved, how many ends took no write, whole life.
enum EOIWorkload {
  private static let probes = 64

  static func run(_ session: Session) throws(WorkloadFailure) {
    let loop = EOILoop(session)
    if session.isWord("eoi", "pv") {
      LocalAPIC.endInterruptsByFlag()
      for _ in 0..<probes { try loop.interrupt() }
      guard pv_eoi_saved_count() > 0 else {
        throw .skipped(Text.bytes("KVM never sets its end-of-interrupt flag on this host"))
      }
    }
    try session.measure(loop)
    session.send(.value(name: Text.bytes("eoi.saved"), pv_eoi_saved_count()))
  }
}

private final class EOILoop: MeasuredLoop {
  let bytesPerOperation: UInt64 = 0
  private(set) var operations: UInt64 = 0
  private(set) var latency = LatencyHistogram()
  private let session: Session
  private let own = Interrupt(vector: 0x51)
  private let patience: UInt64

  init(_ session: Session) {
    self.session = session
    patience = session.ticks(nanoseconds: 1_000_000_000)
    LocalAPIC.enable(acceptsPIC: false)
  }

  func forgetMeasurements() {
    operations = 0
    latency = LatencyHistogram()
  }

  func run(nanoseconds: UInt64) throws(WorkloadFailure) {
    let deadline = pv_tsc() &+ session.ticks(nanoseconds: nanoseconds)
    repeat {
      let start = pv_tsc()
      try interrupt()
      latency.record(session.nanoseconds(pv_tsc() &- start))
      operations += 1
      session.beat()
    } while pv_tsc() < deadline
  }

  /// Sends one interrupt to this processor, and waits until it has been handled.
  func interrupt() throws(WorkloadFailure) {
    let seen = own.count
    LocalAPIC.interrupt(0, vector: own.vector)
    let limit = pv_tsc() &+ patience
    while own.count == seen {
      guard pv_tsc() < limit else { throw .failed(Text.bytes("an interrupt of the processor to itself never came")) }
      pv_pause()
    }
  }
}
