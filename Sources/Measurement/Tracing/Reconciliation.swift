/// Somebody who counts exits beside the runner's loop.
public enum ExitSource: String, CaseIterable, Sendable {
  /// The kernel's count of kvm:kvm_userspace_exit on the vCPUs' threads.
  case counter = "counter:kvm_userspace_exit"
  /// KVM's statistics (KVM_GET_STATS_FD): instructions that ended in a userspace exit for memory that is none.
  case mmioStatistic = "stats:mmio_exits"
  /// Records of kvm:kvm_userspace_exit, which have the reason.
  case userspaceRecords = "trace:kvm_userspace_exit"
  /// Records of kvm:kvm_pio, which have the port.
  case portRecords = "trace:kvm_pio"
  /// Records of kvm:kvm_mmio, which have the address.
  case memoryRecords = "trace:kvm_mmio"
}

/// One reason's exits over a guest's whole life, as the runner's loop and others have counted them (methodology, section 3).
public struct ReconciliationRecord: Codable, Sendable, Equatable {
  /// KVM_EXIT reason, `io`; `total` for all of them.
  public var reason: String
  /// Returns of KVM_RUN that the loop has seen.
  public var loop: UInt64
  /// The same by others, by `ExitSource`. Who cannot see this reason, or does not count on this host, is absent.
  public var sources: [String: UInt64]

  /// A row; see the properties.
  public init(reason: String, loop: UInt64, sources: [String: UInt64]) {
    self.reason = reason
    self.loop = loop
    self.sources = sources
  }

  /// The sources that differ from the loop by more than max(1 exit, 0.1 %), by name.
  public var disagreeing: [String] {
    sources.filter { !Self.agree(loop, $0.value) }.keys.sorted()
  }

  /// True where two counts of the same are equal within max(1 exit, 0.1 %).
  public static func agree(_ a: UInt64, _ b: UInt64) -> Bool {
    let (low, high) = (min(a, b), max(a, b))
    return high - low <= max(1, high / 1000)
  }
}

/// Everything that is known of a guest's exits when it has ended.
public struct ExitEvidence: Sendable {
  /// The loop's.
  public var loop: LifetimeExits
  /// `ExitSource.counter`; nil where it may not be asked.
  public var counted: UInt64?
  /// KVM's statistics over the whole life.
  public var statistics: [String: UInt64]
  /// What tracepoints have told; nil without `--trace`.
  public var trace: TraceCounts?

  /// Evidence; see the properties.
  public init(loop: LifetimeExits, counted: UInt64?, statistics: [String: UInt64], trace: TraceCounts?) {
    self.loop = loop
    self.counted = counted
    self.statistics = statistics
    self.trace = trace
  }

  /// What `source` has to say of every reason that it can see; nothing where it was not asked, or has lost records.
  public func counts(of source: ExitSource) -> [String: UInt64] {
    switch source {
    case .counter: counted.map { ["total": $0] } ?? [:]
    case .mmioStatistic: statistics["mmio_exits"].map { ["mmio": $0] } ?? [:]
    case .userspaceRecords: complete("kvm_userspace_exit") ?? [:]
    case .portRecords: accesses("kvm_pio", reason: .io)
    case .memoryRecords: accesses("kvm_mmio", reason: .mmio)
    }
  }

  /// A row for the total and for each reason that the loop or one of `sources` has seen: the total, then those with
  /// the most exits first.
  public func reconciled(_ sources: [ExitSource]) -> [ReconciliationRecord] {
    var rows: [String: ReconciliationRecord] = [:]
    func add(_ reason: String, _ count: UInt64) {
      rows[reason] = ReconciliationRecord(reason: reason, loop: count, sources: [:])
    }
    for (reason, count) in loop.byReason { add(reason, count) }
    add("total", loop.byReason.values.reduce(0, &+))
    for source in sources {
      for (reason, count) in counts(of: source) {
        rows[reason, default: ReconciliationRecord(reason: reason, loop: 0, sources: [:])]
          .sources[source.rawValue] = count
      }
    }
    let total = rows.removeValue(forKey: "total").map { [$0] } ?? []
    return total + rows.values.sorted { ($1.loop, $0.reason) < ($0.loop, $1.reason) }
  }

  /// A tracepoint's records by what they are about, where the kernel had room for all of them.
  private func complete(_ name: String) -> [String: UInt64]? {
    guard let event = trace?.events[name], event.lost == 0 else { return nil }
    return event.byKey
  }

  /// The accesses that the loop has exited for. KVM may answer other accesses to the same places itself (a doorbell's), so that
  /// there may be more of them than exits: more than the loop has seen is the business of the records that have the reason.
  private func accesses(_ name: String, reason: ExitReason) -> [String: UInt64] {
    let prefix = reason.name + ":"
    let places = loop.byPlace.filter { $0.key.hasPrefix(prefix) }
    // Neither side can tell all places apart where there are too many.
    guard let told = complete(name), told["other"] == nil, !places.isEmpty,
      places.values.reduce(0, &+) == loop.byReason[reason.name]
    else { return [:] }
    return [
      reason.name: places.reduce(0) { sum, place in
        sum + min(place.value, told[String(place.key.dropFirst(prefix.count))] ?? 0)
      }
    ]
  }
}
