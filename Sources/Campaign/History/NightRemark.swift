import ResultStore

/// What there is to say beside a night of a series: what was different about the host, and what people wrote.
public struct NightRemark: Sendable, Equatable {
  /// Its place among the nights.
  public var index: Int
  /// The run.
  public var night: Night
  /// Facts of the host that were others the night before.
  public var configuration: [String]
  /// Remarks, oldest first.
  public var notes: [String]
}

extension SeriesChanges {
  /// The nights of which there is something to say.
  public mutating func remarks(
    on nights: [Night], notes: [String: [String]]
  ) throws(HistoryError) -> [NightRemark] {
    var remarks: [NightRemark] = []
    for (index, night) in nights.enumerated() {
      let isOther = index > 0 && nights[index - 1].state != night.state
      let configuration = isOther ? try differences(nights[index - 1].run, night.run) : []
      let notes = notes[night.run] ?? []
      guard !configuration.isEmpty || !notes.isEmpty else { continue }
      remarks.append(NightRemark(index: index, night: night, configuration: configuration, notes: notes))
    }
    return remarks
  }
}
