/// Exits of a measured window, of one vCPU or of several: what a recorder counted, as a value that can be merged.
public struct ExitWindow: Sendable {
  /// The exits of one reason.
  private struct Reason {
    var exits: UInt64 = 0
    var handlers = Histogram()
    var handlerSum: UInt64 = 0
    var roundTrips = Histogram()
    var roundTripSum: UInt64 = 0

    mutating func add(_ other: Reason) {
      exits += other.exits
      // 64-bit counters of at most 2^32 exits each: nothing is refused.
      _ = handlers.merge(other.handlers)
      handlerSum += other.handlerSum
      _ = roundTrips.merge(other.roundTrips)
      roundTripSum += other.roundTripSum
    }
  }

  private let tscHertz: UInt64
  private var reasons: [ExitReason: Reason] = [:]
  /// By place. Summed by name: keys may differ in what the name leaves out.
  private var tallies: [String: TickTally] = [:]

  /// No exits, on a TSC of `tscHertz` ticks a second.
  public init(tscHertz: UInt64) { self.tscHertz = tscHertz }

  mutating func add(
    _ reason: ExitReason, exits: UInt64, handlers: Histogram, handlerSum: UInt64, roundTrips: Histogram,
    roundTripSum: UInt64
  ) {
    let more = Reason(
      exits: exits, handlers: handlers, handlerSum: handlerSum, roundTrips: roundTrips, roundTripSum: roundTripSum)
    reasons[reason, default: Reason()].add(more)
  }

  mutating func add(_ tally: TickTally, at place: String) { tallies[place, default: TickTally()].add(tally) }

  /// Adds another vCPU's exits.
  public mutating func merge(_ other: ExitWindow) {
    for (reason, more) in other.reasons { reasons[reason, default: Reason()].add(more) }
    for (place, tally) in other.tallies { tallies[place, default: TickTally()].add(tally) }
  }

  /// The exits as results have them. Summaries of an exit's time are in seconds; a percentile is the highest value of its
  /// bucket, whatever the number of exits: look at `count` (methodology, section 2).
  public var counts: ExitCounts {
    var counts = ExitCounts()
    for (reason, window) in reasons {
      counts.total += window.exits
      counts.userspace += reason.isUserspace ? window.exits : 0
      counts.byReason[reason.name] = window.exits
      if window.handlers.count > 0 {
        counts.latency[reason.name] = Self.summary(window.handlers, sum: window.handlerSum)
      }
      if window.roundTrips.count > 0 {
        counts.roundTrip[reason.name] = Self.summary(window.roundTrips, sum: window.roundTripSum)
      }
    }
    counts.byDetail = tallies.mapValues { [tscHertz] in $0.inSeconds(hertz: tscHertz) }
    return counts
  }

  private static func summary(_ histogram: Histogram, sum: UInt64) -> ExitLatency {
    ExitLatency(
      count: histogram.count, p50: Double(histogram.percentile(0.5) ?? 0) / 1e9,
      p99: Double(histogram.percentile(0.99) ?? 0) / 1e9, sum: Double(sum) / 1e9)
  }
}

/// What happened at one place, in TSC ticks. All bytes zero is an empty one.
struct TickTally {
  var exits: UInt64 = 0
  var elements: UInt64 = 0
  var bytes: UInt64 = 0
  var ticks: UInt64 = 0

  mutating func add(elements: UInt64, bytes: UInt64, ticks: UInt64) {
    exits &+= 1
    self.elements &+= elements
    self.bytes &+= bytes
    self.ticks &+= ticks
  }

  mutating func add(_ other: TickTally) {
    exits &+= other.exits
    elements &+= other.elements
    bytes &+= other.bytes
    ticks &+= other.ticks
  }

  func inSeconds(hertz: UInt64) -> ExitTally {
    ExitTally(exits: exits, elements: elements, bytes: bytes, seconds: Double(ticks) / Double(hertz))
  }
}
