import Measurement
import ResultStore
import Statistics

extension IndexedRun {
  /// Options of `pvbench run` that make another measurement of the same cell.
  private static let telling: Set = ["--quick", "--vcpus", "--memory", "--numa", "--disk"]

  /// What the history keeps of a record: the values of ok repetitions, and their median for the night.
  public init(_ run: RunRecord, notes: [String] = []) {
    var configuration = run.host.configuration
    configuration["kvm_vendor"] = run.host.kvm["vendor"]
    // Short windows, say, are another measurement: where a series goes from one to the other has to be seen.
    configuration["options"] = .string(Self.options(of: run.command))
    let described = Set(run.metrics.map(\.id))
    self.init(
      id: run.id, started: run.started, status: run.status, version: run.version, fingerprint: run.host.fingerprint,
      configuration: configuration, cells: run.cells.map { Cell($0, described: described) }, metrics: run.metrics,
      notes: notes)
  }

  /// `--quick --vcpus=2`, in the order of their names.
  private static func options(of command: [String]) -> String {
    command.indices.compactMap { index -> String? in
      let parts = command[index].split(separator: "=", maxSplits: 1).map(String.init)
      guard let name = parts.first, telling.contains(name) else { return nil }
      guard name != "--quick", parts.count == 1, index + 1 < command.count else { return command[index] }
      return "\(name)=\(command[index + 1])"
    }.sorted().joined(separator: " ")
  }
}

extension IndexedRun.Cell {
  fileprivate init(_ cell: CellRecord, described: Set<String>) {
    var values: [String: [Double]] = [:]
    for repetition in cell.repetitions where repetition.status == .ok {
      for (metric, value) in repetition.metrics where value.isFinite && described.contains(metric) {
        values[metric, default: []].append(value)
      }
    }
    self.init(
      key: cell.key, choices: cell.choices,
      observations: values.compactMapValues { values in
        OrderStatistics.median(values).map { IndexedRun.Observations(values: values, median: $0) }
      })
  }
}
