import Measurement

/// `report.html`: one file without scripts and without anything to be fetched, for screens wide and narrow, light and dark,
/// and for paper.
public enum HTMLReport {
  /// The file's bytes.
  ///
  /// - Throws: `ReportError` where templates are missing or broken.
  public static func render(_ run: RunRecord, options: ReportOptions = ReportOptions()) throws(ReportError) -> [UInt8] {
    let templates = try Templates(for: "html", options: options)
    let style = Markup(text: try templates.text("style.css"))
    return Array(try templates.render(ReportViewModel(run, style: style)).utf8)
  }
}
