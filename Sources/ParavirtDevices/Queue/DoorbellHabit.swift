/// Whether an I/O thread that is awake, and needs no doorbell, asks for it all the same.
///
/// A driver that finds its request unfinished goes to sleep over it, and to be interrupted costs it more than anything that
/// happens here. Ringing takes about as long as a fast request: a driver that rings finds it finished, and does not sleep. So
/// where most requests are answered by an interrupt the doorbell is asked for, and where that does not help it is not, for a
/// while.
struct DoorbellHabit {
  /// Requests between two judgements without the doorbell, and with it.
  static let watched = 16
  static let tried = 64
  /// Judgements after which it is tried without again.
  static let trials = 16
  /// Requests for which it is left alone where it has not helped.
  static let rest = 1024

  private enum Phase {
    case watching
    case ringing(trials: Int)
    case resting
  }
  private var phase = Phase.watching
  private var requests = 0
  private var interrupts = 0

  /// True while the doorbell is asked for.
  var wantsDoorbell: Bool {
    if case .ringing = phase { return true }
    return false
  }

  /// So many requests were answered, with an interrupt or without.
  mutating func answered(_ count: Int, interrupted: Bool) {
    requests += count
    interrupts += interrupted ? 1 : 0
    switch phase {
    case .watching where requests >= Self.watched:
      enter(2 * interrupts > requests ? .ringing(trials: Self.trials) : .watching)
    case .ringing(let trials) where requests >= Self.tried:
      // A sleep costs several doorbells: it pays to ring where a few are spared.
      let isVain = 8 * interrupts > 7 * requests
      enter(isVain ? .resting : trials > 1 ? .ringing(trials: trials - 1) : .watching)
    case .resting where requests >= Self.rest: enter(.watching)
    default: break
    }
  }

  private mutating func enter(_ next: Phase) {
    phase = next
    (requests, interrupts) = (0, 0)
  }
}
