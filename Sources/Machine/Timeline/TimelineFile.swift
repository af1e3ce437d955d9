import Measurement

/// A time line as a file: the guest with its phases, and the host's threads, a track each.
enum TimelineFile {
  static let guest = 1
  static let host = 2
  private static let firstWorker = 100

  /// Writes `timeline` to `path`; `window` is what the guest says of its own.
  static func write(
    _ timeline: Timeline, window: (start: UInt64, end: UInt64)?, to path: String
  ) throws(TraceEventWriter.WriteError) {
    var file = try TraceEventWriter(path: path)
    let clock = Clock(timeline)
    try file.name(.init(process: guest, thread: 0), "guest")
    try file.name(.init(process: guest, thread: 1), "phases")
    for phase in timeline.phases {
      try file.span(
        .init(process: guest, thread: 1), phase.name, from: clock.nanoseconds(phase.from),
        to: clock.nanoseconds(phase.to))
    }
    var facts: [(name: String, value: String)] = [
      ("tsc_hertz", "\(timeline.tscHertz)"), ("monotonic_raw_ns", "\(timeline.originRaw)"),
      ("exits", "\(timeline.vcpus.reduce(0) { $0 + $1.events.count })"), ("dropped", "\(timeline.dropped)"),
    ]
    if let window = window.flatMap({ timeline.guestWindow(start: $0.start, end: $0.end) }) {
      let track = TraceEventWriter.Track(process: guest, thread: 2)
      try file.name(track, "by its own clock")
      try file.span(track, "measured", from: clock.nanoseconds(window.from), to: clock.nanoseconds(window.to))
      facts.append(("guest_tsc_offset", "\(window.offset)"))
      facts.append(("guest_tsc_uncertainty", "\(window.uncertainty)"))
    }
    try file.name(.init(process: host, thread: 0), "host")
    for (index, trace) in timeline.vcpus.enumerated() {
      try add(trace, on: .init(process: host, thread: 1 + index), named: "vcpu\(index)", clock, to: &file)
    }
    for (index, trace) in timeline.workers.enumerated() {
      try add(trace, on: .init(process: host, thread: firstWorker + index), named: "io\(index)", clock, to: &file)
    }
    try file.finish(facts)
  }

  /// Exits by their reasons, and between them the guest.
  private static func add(
    _ trace: ExitTrace, on track: TraceEventWriter.Track, named name: String, _ clock: Clock,
    to file: inout TraceEventWriter
  ) throws(TraceEventWriter.WriteError) {
    try file.name(track, name)
    var last: UInt64?
    for event in trace.events {
      let (entered, left) = (clock.nanoseconds(event.entered), clock.nanoseconds(event.left))
      if let last { try file.span(track, "in guest", from: last, to: entered) }
      try file.span(track, event.key.reason.name, from: entered, to: left, place: event.key.detail)
      last = left
    }
  }

  /// Sleeps, and between them a thread that is awake.
  private static func add(
    _ trace: SleepTrace, on track: TraceEventWriter.Track, named name: String, _ clock: Clock,
    to file: inout TraceEventWriter
  ) throws(TraceEventWriter.WriteError) {
    try file.name(track, name)
    var last = clock.nanoseconds(trace.began)
    for sleep in trace.sleeps {
      let (from, to) = (clock.nanoseconds(sleep.from), clock.nanoseconds(sleep.to))
      try file.span(track, "awake", from: last, to: from)
      try file.span(track, "asleep", from: from, to: to)
      last = to
    }
    // Behind a sleep without room nobody knows.
    if trace.dropped == 0 { try file.span(track, "awake", from: last, to: max(last, clock.nanoseconds(trace.ended))) }
  }

  /// Ticks to nanoseconds since the time line began; whole ones, so that what follows on the one follows on the other.
  private struct Clock {
    let origin: UInt64
    let hertz: UInt64

    init(_ timeline: Timeline) {
      origin = timeline.origin
      hertz = timeline.tscHertz
    }

    func nanoseconds(_ tsc: UInt64) -> UInt64 {
      guard tsc > origin else { return 0 }
      let product = (tsc - origin).multipliedFullWidth(by: 1_000_000_000)
      return product.high < hertz ? hertz.dividingFullWidth(product).quotient : .max
    }
  }
}
