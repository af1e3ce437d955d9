/// What looks at a guest while it is measured. All of them are on unless their own cost is what is measured (methodology,
/// section 7).
public enum Instrument: String, CaseIterable, Sendable {
  /// The TSC, read on both sides of every exit's handler.
  case stamps
  /// The distributions of those times; without stamps there are none.
  case histograms
  /// KVM's own counters, read when the window opens and closes.
  case statistics
  /// The kernel's count of userspace exits, by its tracepoint.
  case counter

  /// Those that a list such as `stamps,counter` leaves; nil where a name is not known.
  static func without(_ names: String) -> Set<Instrument>? {
    var left = Set(allCases)
    for name in names.split(separator: ",", omittingEmptySubsequences: false) {
      guard let instrument = Instrument(rawValue: String(name)) else { return nil }
      left.remove(instrument)
    }
    return left
  }
}
