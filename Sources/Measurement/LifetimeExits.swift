/// The exits of a guest's whole life as the runner's loop has seen them: what other counts of the same are compared with.
public struct LifetimeExits: Sendable, Equatable {
  /// By KVM_EXIT reason: `io`.
  public var byReason: [String: UInt64]
  /// By reason, place and direction, as far as the recorder could tell places apart: `io:0x1f0:in`.
  public var byPlace: [String: UInt64]

  /// Exits; none by default.
  public init(byReason: [String: UInt64] = [:], byPlace: [String: UInt64] = [:]) {
    self.byReason = byReason
    self.byPlace = byPlace
  }

  /// Adds another vCPU's.
  public mutating func merge(_ other: LifetimeExits) {
    byReason.merge(other.byReason, uniquingKeysWith: &+)
    byPlace.merge(other.byPlace, uniquingKeysWith: &+)
  }
}
