import Measurement

/// Exits by reason, as the loop and everyone else has counted them in all measured boots.
struct ReconciliationTable: Sendable {
  let sources: [String]
  let rows: [Row]

  struct Row: Sendable {
    let reason: String
    let loop: String
    let cells: [Cell]
  }

  struct Cell: Sendable {
    let count: String
    /// What the loop has of the boots that this source was asked in, where it is another number.
    let loop: String?
  }

  /// Nil where no repetition has more than one count.
  init?(_ cells: [CellRecord]) {
    let all = cells.flatMap(\.repetitions).filter { $0.status == .ok || $0.status == .invalid }
      .flatMap { $0.reconciliation ?? [] }
    sources = ExitSource.allCases.map(\.rawValue).filter { source in all.contains { $0.sources[source] != nil } }
    guard !sources.isEmpty else { return nil }
    let byReason = Dictionary(grouping: all, by: \.reason)
    let rows = byReason.map { reason, records in (reason: reason, loop: Self.sum(records, \.loop), records: records) }
    self.rows = rows.sorted { ($1.loop, $0.reason) < ($0.loop, $1.reason) }.map { [sources] row in
      Row(
        reason: row.reason, loop: Formatting.count(row.loop),
        cells: sources.map { Self.cell($0, of: row.records) })
    }
  }

  private static func cell(_ source: String, of records: [ReconciliationRecord]) -> Cell {
    let asked = records.filter { $0.sources[source] != nil }
    guard !asked.isEmpty else { return Cell(count: Formatting.dash, loop: nil) }
    let count = sum(asked) { $0.sources[source] ?? 0 }
    let seen = sum(asked, \.loop)
    return Cell(count: Formatting.count(count), loop: seen == count ? nil : Formatting.count(seen))
  }

  private static func sum(_ records: [ReconciliationRecord], _ count: (ReconciliationRecord) -> UInt64) -> UInt64 {
    records.reduce(0) { $0.addingClamped(count($1)) }
  }
}

/// What KVM's tracepoints have told of one cell's guests.
struct TraceGroup: Sendable {
  let workload: String
  let mode: String
  let rows: [Row]

  struct Row: Sendable {
    let event: String
    let count: String
    let lost: String
    /// `io 5,385 · hlt 20`.
    let keys: String
  }

  /// Names of which more are left to run.json.
  private static let most = 8

  /// A group for each cell that was traced.
  static func all(_ cells: [CellRecord]) -> [TraceGroup] { cells.compactMap(TraceGroup.init) }

  private init?(_ cell: CellRecord) {
    let traces = cell.repetitions.filter { $0.status == .ok }.compactMap(\.trace)
    guard !traces.isEmpty else { return nil }
    var sums: [String: TraceCounts.Event] = [:]
    for (name, event) in traces.flatMap(\.events) {
      var sum = sums[name] ?? TraceCounts.Event(count: 0)
      sum.count = sum.count.addingClamped(event.count)
      sum.lost = sum.lost.addingClamped(event.lost)
      sum.byKey.merge(event.byKey) { $0.addingClamped($1) }
      sums[name] = sum
    }
    workload = cell.workload
    mode = cell.mode
    rows = TraceEvent.allCases.map(\.rawValue).compactMap { name in
      guard let event = sums[name], event.count > 0 else { return nil }
      let keys = event.byKey.sorted { ($0.value, $1.key) > ($1.value, $0.key) }
      let shown = keys.prefix(Self.most).map { "\($0.key) \(Formatting.count($0.value))" }
      return Row(
        event: name, count: Formatting.count(event.count), lost: Formatting.count(event.lost),
        keys: (shown + (keys.count > Self.most ? ["\(keys.count - Self.most) more"] : [])).joined(separator: " · "))
    }
  }
}

/// Which counts of exits this host keeps, by a known number of exits.
struct SourceRow: Sendable {
  let source: String
  let counts: Bool
  let found: String
  let expected: String

  /// In the order of their names; empty where nobody has looked.
  static func all(_ host: HostRecord) -> [SourceRow] {
    guard case .object(let sources)? = host.kvm["exit_sources"] else { return [] }
    return sources.sorted { $0.key < $1.key }.compactMap { SourceRow(source: $0.key, $0.value) }
  }

  private init?(source: String, _ value: JSONValue) {
    guard case .object(let members) = value, case .bool(let counts)? = members["counts"],
      case .number(let found)? = members["found"], case .number(let expected)? = members["expected"]
    else { return nil }
    self.source = source
    self.counts = counts
    self.found = Formatting.number(found)
    self.expected = Formatting.number(expected)
  }
}
