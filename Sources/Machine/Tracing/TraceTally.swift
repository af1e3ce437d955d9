import Measurement

/// Counts records of KVM's tracepoints by what they are about. The records come from the kernel; places and numbers in them are the
/// guest's choice, so that there may be any number of them.
struct TraceTally {
  /// What a tracepoint's records are told apart by at most; further ones are counted together as `other`.
  static let mostKeys = 1024

  private struct Key: Hashable {
    let event: Int
    let values: SIMD4<UInt64>
  }

  private struct Event {
    let layout: TracepointLayout
    /// What its records are counted by; nil where the kernel's records have not all of it, or nobody knows the tracepoint.
    let kind: TraceEvent?
    let fields: [TracepointLayout.Field]
    var records: UInt64 = 0
    var keys = 0
    var others: UInt64 = 0

    init(_ layout: TracepointLayout) {
      self.layout = layout
      let known = TraceEvent(rawValue: layout.name)
      let fields = (known?.fields ?? []).map { layout.fields[$0] }
      self.fields = fields.compactMap { $0 }
      kind = self.fields.count == fields.count && !fields.isEmpty ? known : nil
    }
  }

  private static let idField = TracepointLayout.Field(offset: 0, size: 2, isSigned: false)

  private var events: [Event]
  private let indices: [UInt64: Int]
  private var counts: [Key: UInt64] = [:]
  /// What the kernel has told of lost records.
  private(set) var lostRecords: UInt64 = 0

  /// Nothing yet, of these tracepoints.
  init(_ layouts: [TracepointLayout]) {
    events = layouts.map(Event.init)
    indices = Dictionary(layouts.indices.map { (UInt64(layouts[$0].id), $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// Counts a record; one of a tracepoint that nobody asked for is left out.
  mutating func add(_ record: UnsafeRawBufferPointer) {
    guard let index = Self.idField.value(in: record).flatMap({ indices[$0] }) else { return }
    events[index].records += 1
    guard events[index].kind != nil else { return }
    var values = SIMD4<UInt64>()
    for (place, field) in events[index].fields.enumerated() {
      // A record that ends before its field is counted, and about nothing that is known.
      guard let value = field.value(in: record) else { return events[index].others += 1 }
      values[place] = value
    }
    let key = Key(event: index, values: values)
    if let count = counts[key] {
      counts[key] = count + 1
    } else if events[index].keys < Self.mostKeys {
      counts[key] = 1
      events[index].keys += 1
    } else {
      events[index].others += 1
    }
  }

  /// The kernel had no room for so many.
  mutating func lose(_ count: UInt64) { lostRecords &+= count }

  /// The counts as results have them. `kernel` is how often the kernel came by each tracepoint: records that are fewer
  /// are lost.
  func counts(kernel: [UInt64]) -> TraceCounts {
    var result = TraceCounts(lostRecords: lostRecords)
    for (event, count) in zip(events, kernel) {
      result.events[event.layout.name] = TraceCounts.Event(
        count: count, lost: count > event.records ? count - event.records : 0,
        byKey: event.others > 0 ? ["other": event.others] : [:])
    }
    for (key, count) in counts {
      let event = events[key.event]
      guard let kind = event.kind else { continue }
      let name = kind.key(event.fields.indices.map { key.values[$0] })
      result.events[event.layout.name]?.byKey[name, default: 0] += count
    }
    return result
  }
}
