/// What one (reason, detail) pair cost inside a window.
public struct ExitTally: Codable, Sendable, Equatable {
  /// Returns of KVM_RUN.
  public var exits: UInt64
  /// Elements moved: 1 an ordinary exit, the repeat count of a string instruction.
  public var elements: UInt64
  /// Bytes moved.
  public var bytes: UInt64
  /// Seconds from the return of KVM_RUN to the next call: the handler's own time.
  public var seconds: Double

  /// A tally; all zero by default.
  public init(exits: UInt64 = 0, elements: UInt64 = 0, bytes: UInt64 = 0, seconds: Double = 0) {
    self.exits = exits
    self.elements = elements
    self.bytes = bytes
    self.seconds = seconds
  }
}

/// Summary of one exit reason's handler times.
public struct ExitLatency: Codable, Sendable, Equatable {
  /// Exits measured.
  public var count: UInt64
  /// Median in seconds.
  public var p50: Double
  /// 99th percentile in seconds.
  public var p99: Double
  /// Sum in seconds.
  public var sum: Double

  /// A summary; see the properties.
  public init(count: UInt64, p50: Double, p99: Double, sum: Double) {
    self.count = count
    self.p50 = p50
    self.p99 = p99
    self.sum = sum
  }
}

/// The exits of one repetition's measured window.
public struct ExitCounts: Codable, Sendable, Equatable {
  /// Every return of KVM_RUN in the window.
  public var total: UInt64
  /// Those that userspace had to handle (all but interruptions by a signal).
  public var userspace: UInt64
  /// By KVM_EXIT reason: `io`, `mmio`, `hlt`, …
  public var byReason: [String: UInt64]
  /// By reason, place and direction: `io:0x1f0:in`, `mmio:0xfeb00050:out`, `rdmsr:0x10`.
  public var byDetail: [String: ExitTally]
  /// Handler time by reason.
  public var latency: [String: ExitLatency]
  /// Return to return by reason: the guest-to-guest round trip of back-to-back exits plus what the guest did between.
  public var roundTrip: [String: ExitLatency]

  /// Counts; empty by default.
  public init(
    total: UInt64 = 0, userspace: UInt64 = 0, byReason: [String: UInt64] = [:], byDetail: [String: ExitTally] = [:],
    latency: [String: ExitLatency] = [:], roundTrip: [String: ExitLatency] = [:]
  ) {
    self.total = total
    self.userspace = userspace
    self.byReason = byReason
    self.byDetail = byDetail
    self.latency = latency
    self.roundTrip = roundTrip
  }

  enum CodingKeys: String, CodingKey {
    case total, userspace, latency
    case byReason = "by_reason"
    case byDetail = "by_detail"
    case roundTrip = "round_trip"
  }
}
