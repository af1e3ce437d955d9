import Measurement
import Statistics

/// `pvbench compare --format csv`: every metric of every cell, a row each, with the very numbers of `--json`.
public enum CompareCSV {
  static let header =
    "a,b,suite,workload,mode,metric,unit,better,primary,a_n,a_median,a_low,a_high,b_n,b_median,b_low,b_high,"
    + "ratio,ratio_low,ratio_high,p,p_holm,test,mde,mde_basis,verdict,reason"

  /// The file's bytes.
  public static func render(_ document: ComparisonDocument) -> [UInt8] {
    var csv = CSV(header)
    for record in document.comparisons {
      let isPrimary = record.pHolm != nil || record.verdict == .notComparable
      csv.row(
        [
          document.a.id, document.b.id, record.suite, record.workload, record.mode, record.metric, record.unit,
          record.better.rawValue, isPrimary ? "yes" : "no",
        ] + side(record.a) + side(record.b) + [
          CSV.number(record.ratio), CSV.number(record.ratioLow), CSV.number(record.ratioHigh), CSV.number(record.p),
          CSV.number(record.pHolm), record.test, CSV.number(record.mde), record.mdeBasis?.rawValue ?? "",
          record.verdict.rawValue, record.reason ?? "",
        ])
    }
    return csv.bytes
  }

  private static func side(_ side: SideRecord) -> [String] {
    ["\(side.n)", CSV.number(side.median), CSV.number(side.low), CSV.number(side.high)]
  }
}
