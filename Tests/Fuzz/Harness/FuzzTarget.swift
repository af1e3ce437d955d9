/// A device, or a decoder, in the hands of a hostile guest. One file each, and a row in `FuzzTargets`.
///
/// What counts as a finding is a trap (the product's own, or one of `FuzzTarget`'s checks), a report of the address sanitizer,
/// an access beyond the guard pages of guest memory, and what libFuzzer's limits on time and memory catch.
protocol FuzzTarget {
  /// The name of its corpus, and what `make fuzz TARGET=` takes.
  static var name: String { get }

  /// Makes what all inputs share.
  init() throws

  /// Takes `input` for a sequence of operations on a device as it was made. Nothing of one input is seen by the next.
  func run(_ input: FuzzInput) throws
}

/// Ends the process where `condition` does not hold: a finding that is not a trap of the product's own.
func mustHold(_ condition: Bool, _ what: StaticString) {
  precondition(condition, "\(what)")
}
