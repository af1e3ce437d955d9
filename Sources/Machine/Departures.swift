import MachineLauncher
import Measurement

/// Whether the guest came out of its machine as often as it took its way out: a way that did not leave has measured something
/// else.
struct Departures {
  /// Why the window's figures are not those of this way; nil where they are.
  private(set) var complaint: String?
  /// Why this host has no such way; nil where it has.
  private(set) var absence: String?

  private let way: WayOut
  private let operations: UInt64
  private let exits: ExitCounts

  /// Of the guest that `outcome` tells of; nil where it took no way out.
  init?(_ outcome: GuestOutcome) {
    guard let way = outcome.way, let window = outcome.window, let exits = outcome.exits else { return nil }
    self.way = way
    self.exits = exits
    // The guest's own account, and any number: arithmetic wraps around.
    operations = outcome.records.reduce(0) { sum, record in
      if case .window(let operations, _, _, _, _) = record { sum &+ operations } else { sum }
    }
    look(at: window)
  }

  private mutating func look(at window: WindowMeasurement) {
    switch way.destination {
    case .runner(let key, let elements):
      let tally = exits.byDetail[key.detail] ?? ExitTally()
      expect(operations &* elements, tally.elements, "elements came to the runner at \(key.detail)")
      expect(tally.exits, exits.userspace, "userspace exits altogether")
    case .event(let key):
      expect(operations, window.taken ?? 0, "signals of the eventfd at \(key.detail)")
      expect(0, exits.userspace, "userspace exits")
    case .ring(let key):
      let beside = exits.byDetail[key.detail]?.exits ?? 0
      let taken = window.taken ?? 0
      expect(operations, taken &+ beside, "writes gathered at \(key.detail), or come to the runner beside")
      expect(beside, exits.userspace, "userspace exits altogether")
    case .guest: expect(0, exits.userspace, "userspace exits")
    case .kernel:
      expect(0, exits.userspace, "userspace exits")
      if let exits = kernelExits(window), exits < operations { complain(operations, exits, "exits into KVM") }
    case .kernelOrProcessor:
      expect(0, exits.userspace, "userspace exits")
      if let exits = kernelExits(window), exits < operations {
        absence = "'\(way.rawValue)' does not reach KVM on this host: the processor answers"
      }
    }
  }

  /// What KVM has counted of either kind of its own exits; nil where neither counter moves.
  private func kernelExits(_ window: WindowMeasurement) -> UInt64? {
    ["exits", "insn_emulation"].compactMap { window.kvmStats[$0] }.max()
  }

  private mutating func expect(_ expected: UInt64, _ found: UInt64, _ what: String) {
    if expected != found { complain(expected, found, what) }
  }

  private mutating func complain(_ expected: UInt64, _ found: UInt64, _ what: String) {
    complaint =
      complaint ?? "the way out '\(way.rawValue)' was taken \(operations) times: \(found) \(what), expected \(expected)"
  }
}
