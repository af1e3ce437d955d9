import Drivers
import GuestKernel
import PVWire

/// drift: how much faster a clock runs than the host's CLOCK_MONOTONIC_RAW, from the first moment of the window to the last. Each
/// of the two is the narrowest of several pairs: the host's clock is stamped before and after the guest's is read. In between the
/// clock is read every ten milliseconds and must not go backwards; a turn of its counter that is missed all the same, because the guest
/// was kept from running, is made up for by the host's clock.
///
/// Parameter: clock (pmtimer, pit, rtc, tsc, kvmclock). One operation is a read; latency is how far apart the host's stamps on both
/// sides of a read are. Values: clock.host_seconds, what passed on the host; clock.host_drift (parts per billion, two's
/// complement); clock.host_drift_uncertainty, what the widths of both pairs and the clock's own steps allow for.
enum DriftWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    guard let host = HostClock() else { throw .skipped(Text.bytes("no host's clock answers at port 0x5090")) }
    let clock = try session.clock()
    session.send(.log(Text.bytes("clock: ", clock.name)))
    let loop = DriftLoop(session, clock, host)
    try session.measure(loop)
    guard let drift = loop.drift else { throw .failed(Text.bytes("the host's clock stands still")) }
    session.send(.value(name: Text.bytes("clock.host_seconds"), drift.nanoseconds))
    session.send(.value(name: Text.bytes("clock.host_drift"), UInt64(bitPattern: drift.billionths)))
    session.send(.value(name: Text.bytes("clock.host_drift_uncertainty"), drift.uncertainty))
  }
}

/// What the guest's clock showed at some moment between two of the host's.
private struct ClockPair {
  var guest: UInt64 = 0
  var before: UInt64 = 0
  var width: UInt64 = .max
}

private final class DriftLoop: MeasuredLoop {
  let bytesPerOperation: UInt64 = 0
  private(set) var operations: UInt64 = 0
  private(set) var latency = LatencyHistogram()
  private let session: Session
  private let clock: any ClockSource
  private let host: HostClock
  private let pause: UInt64
  private var last: UInt64
  /// Both clocks at the last narrow pair, and what the guest's had missed by then, in whole turns of its counter.
  private var anchor: (guest: UInt64, host: UInt64)
  private var madeUp: UInt64 = 0
  private var first = ClockPair()
  private var final = ClockPair()

  /// Pairs of which the narrowest counts.
  private static let pairs = 200
  /// A clock of longer steps is read at the moment of a step.
  private static let coarse: UInt64 = 1_000_000

  init(_ session: Session, _ clock: any ClockSource, _ host: HostClock) {
    self.session = session
    self.clock = clock
    self.host = host
    pause = session.ticks(nanoseconds: 10_000_000)
    last = clock.nanoseconds()
    anchor = (last, host.nanoseconds())
  }

  func forgetMeasurements() {
    operations = 0
    latency = LatencyHistogram()
  }

  func run(nanoseconds: UInt64) throws(WorkloadFailure) {
    let deadline = pv_tsc() &+ session.ticks(nanoseconds: nanoseconds)
    first = try moment()
    while pv_tsc() < deadline {
      let next = pv_tsc() &+ pause
      while pv_tsc() < next { pv_pause() }
      _ = try pair()
    }
    final = try moment()
  }

  /// The guest's clock and the host's at one moment, as narrowly as it can be had.
  private func moment() throws(WorkloadFailure) -> ClockPair {
    var best = ClockPair()
    guard clock.resolution < Self.coarse else {
      var earlier = try pair()
      while true {
        let now = try pair()
        // The step was made after the read that had not seen it began.
        if now.guest != earlier.guest {
          return ClockPair(
            guest: now.guest, before: earlier.before, width: now.before + now.width - earlier.before)
        }
        earlier = now
      }
    }
    for _ in 0..<Self.pairs {
      let pair = try pair()
      if pair.width < best.width { best = pair }
    }
    return best
  }

  /// One read of the clock between two of the host's.
  private func pair() throws(WorkloadFailure) -> ClockPair {
    let low = host.stamp()
    let time = clock.nanoseconds()
    let after = host.nanoseconds()
    guard time >= last else { throw clock.failure(from: last, to: time) }
    last = time
    let width = UInt64(UInt32(truncatingIfNeeded: after) &- low)
    if width < clock.turn / 8 { makeUp(guest: time, host: after &- width / 2) }
    latency.record(width)
    operations += 1
    session.beat()
    return ClockPair(guest: time + madeUp, before: after &- width, width: width)
  }

  /// A guest that was kept from running for longer than a turn of the counter has missed it; which is beyond doubt, as no clock is
  /// wrong by half a turn in so short a time.
  private func makeUp(guest: UInt64, host: UInt64) {
    let passed = (guest: guest &- anchor.guest, host: host &- anchor.host)
    anchor = (guest, host)
    guard passed.host > passed.guest else { return }
    madeUp += (passed.host - passed.guest + clock.turn / 2) / clock.turn * clock.turn
  }

  /// What passed on the host, how much more on the clock in parts per billion of it, and how far that may be off.
  var drift: (nanoseconds: UInt64, billionths: Int64, uncertainty: UInt64)? {
    let host = (final.before + final.width / 2) &- (first.before + first.width / 2)
    guard host > 0, host < 1 << 62 else { return nil }
    let guest = final.guest - first.guest
    let steps = clock.resolution < Self.coarse ? clock.resolution : 0
    let difference = Self.billionths(guest > host ? guest - host : host - guest, of: host)
    return (
      host, guest > host ? Int64(difference) : -Int64(difference),
      Self.billionths((first.width + final.width) / 2 + steps, of: host) + 1
    )
  }

  /// Beyond 18 s the product would not fit, and no number says more.
  private static func billionths(_ nanoseconds: UInt64, of span: UInt64) -> UInt64 {
    min(nanoseconds, 18_000_000_000) * 1_000_000_000 / span
  }
}
