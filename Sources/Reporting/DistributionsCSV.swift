import Measurement

/// `distributions.csv`: one row per cell whose latencies were recorded, in seconds. `p50` is the median over `boots` boots with
/// its exact binomial 95 % interval, the number of `summary.csv`; `min`, `p99`, `p99.9` and `max` are those of all boots'
/// `samples` samples together. What too few samples cannot support is empty. Times `tsc_hertz`, a number is in cycles.
public enum DistributionsCSV {
  static let header =
    "run,suite,workload,mode,boots,samples,min,p50,p50_low,p50_high,p99,p99.9,max,tsc_hertz"

  /// The file's bytes.
  public static func render(_ run: RunRecord) -> [UInt8] {
    let hertz = CSV.number(run.host.tscHertz)
    var csv = CSV(header)
    for cell in run.cells {
      guard let one = Distribution(CellSummary(cell)) else { continue }
      let values = [
        one.minimum, one.median.median, one.median.low, one.median.high, one.p99.seconds, one.p999.seconds, one.maximum,
      ]
      csv.row(
        [run.id, cell.suite, cell.workload, cell.mode, "\(one.median.n)", "\(one.samples)"] + values.map(CSV.number)
          + [hertz])
    }
    return csv.bytes
  }
}

extension HostRecord {
  /// Ticks of a guest's time stamp counter in a second; nil where the run did not record it.
  var tscHertz: Double? {
    guard case .number(let kilohertz)? = kvm["tsc_khz"], kilohertz > 0 else { return nil }
    return kilohertz * 1000
  }
}
