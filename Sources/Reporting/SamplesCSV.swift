import Measurement

/// `samples.csv`: one row per repetition and metric. A repetition without metrics (skipped, failed) is one row with empty
/// metric and value.
public enum SamplesCSV {
  static let header = "run,suite,workload,mode,repetition,order,status,metric,unit,better,value"

  /// The file's bytes.
  public static func render(_ run: RunRecord) -> [UInt8] {
    let metrics = MetricTable(run)
    var csv = CSV(header)
    for cell in run.cells {
      for repetition in cell.repetitions {
        let start = [
          run.id, cell.suite, cell.workload, cell.mode, "\(repetition.index)", "\(repetition.order)",
          repetition.status.rawValue,
        ]
        if repetition.metrics.isEmpty { csv.row(start + ["", "", "", ""]) }
        for id in metrics.ordered(repetition.metrics.keys) {
          let metric = metrics[id]
          csv.row(
            start + [id, metric?.unit ?? "", metric?.better.rawValue ?? "", CSV.number(repetition.metrics[id])])
        }
      }
    }
    return csv.bytes
  }
}
