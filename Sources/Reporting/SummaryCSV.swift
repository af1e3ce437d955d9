import Measurement

/// `summary.csv`: per cell and metric how many boots, their median and its 95 % interval; then, in rows whose mode names a
/// pair (`full:paravirt`), the ratio of the second mode over the first with its interval, p and the verdict. The numbers
/// of a pair are exactly those of `run.json`'s `comparisons`. Rows `closure.*` are about a pair of modes, too: seconds an operation, as Hodges–Lehmann
/// estimates in place of medians. A cell that measured nothing is one row with n = 0.
public enum SummaryCSV {
  static let header =
    "run,suite,workload,mode,metric,unit,better,n,median,ci_low,ci_high,ratio,ratio_low,ratio_high,p,verdict"

  /// The file's bytes.
  public static func render(_ run: RunRecord) -> [UInt8] {
    let metrics = MetricTable(run)
    var csv = CSV(header)
    for cell in run.cells {
      let summary = CellSummary(cell)
      let ids = summary.isEmpty ? [cell.primary] : metrics.ordered(summary.metrics)
      for id in ids {
        let side = summary.side(id)
        csv.row(
          [run.id, cell.suite, cell.workload, cell.mode] + descriptor(id, metrics) + [
            "\(side.n)", CSV.number(side.median), CSV.number(side.low), CSV.number(side.high), "", "", "", "", "",
          ])
      }
    }
    for pair in run.comparisons {
      csv.row(
        [run.id, pair.suite, pair.workload, pair.mode, pair.metric, pair.unit, pair.better.rawValue, "", "", "", ""] + [
          CSV.number(pair.ratio), CSV.number(pair.ratioLow), CSV.number(pair.ratioHigh), CSV.number(pair.p),
          pair.verdict.rawValue,
        ])
    }
    for record in run.closure ?? [] {
      for (id, value) in [
        ("closure.difference", record.difference), ("closure.explained", record.explained),
        ("closure.residual", record.residual),
      ] {
        csv.row(
          [run.id, record.suite, record.workload, "\(record.from):\(record.to)", id, "s", "lower", "\(record.n)"] + [
            CSV.number(value.seconds), CSV.number(value.low), CSV.number(value.high), "", "", "", "", "",
          ])
      }
    }
    return csv.bytes
  }

  private static func descriptor(_ id: String, _ metrics: MetricTable) -> [String] {
    [id, metrics[id]?.unit ?? "", metrics[id]?.better.rawValue ?? ""]
  }
}
