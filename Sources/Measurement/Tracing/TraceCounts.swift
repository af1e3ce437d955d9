/// What `--trace` has seen of a guest's whole life, by tracepoint (`kvm_exit`).
public struct TraceCounts: Codable, Sendable, Equatable {
  /// One tracepoint.
  public struct Event: Codable, Sendable, Equatable {
    /// How often the kernel came by: counted by itself, whatever became of the records.
    public var count: UInt64
    /// Records that found no room: what they were about nobody knows.
    public var lost: UInt64
    /// The others, by what they were about.
    public var byKey: [String: UInt64]

    /// An event; see the properties.
    public init(count: UInt64, lost: UInt64 = 0, byKey: [String: UInt64] = [:]) {
      self.count = count
      self.lost = lost
      self.byKey = byKey
    }

    enum CodingKeys: String, CodingKey {
      case count, lost
      case byKey = "by_key"
    }
  }

  /// By the kernel's name; a tracepoint that this kernel does not have is absent.
  public var events: [String: Event]
  /// What the kernel itself has said of lost records, in PERF_RECORD_LOST: those at a guest's end it does not come to tell of.
  public var lostRecords: UInt64

  /// Counts; none by default.
  public init(events: [String: Event] = [:], lostRecords: UInt64 = 0) {
    self.events = events
    self.lostRecords = lostRecords
  }

  /// Records that found no room, of all tracepoints.
  public var lost: UInt64 { events.values.reduce(0) { $0 + $1.lost } }

  enum CodingKeys: String, CodingKey {
    case events
    case lostRecords = "lost_records"
  }
}
