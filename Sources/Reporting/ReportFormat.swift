import Measurement

/// What a caller may choose about a report.
public struct ReportOptions: Sendable, Equatable {
  /// A folder laid out as `report-templates`, whose files replace the embedded ones.
  public var templates: String?

  /// Options; the defaults are the embedded templates.
  public init(templates: String? = nil) { self.templates = templates }
}

/// A format of `pvbench report --format`. To add one is to add an exporter and a row to `all`.
public struct ReportFormat: Sendable {
  /// What `--format` calls it.
  public let name: String
  /// One line for people.
  public let summary: String
  /// Its files, in the order in which they are written, each with its exporter.
  public let files: [(name: String, render: @Sendable (RunRecord, ReportOptions) throws(ReportError) -> [UInt8])]

  /// Every format.
  public static let all: [ReportFormat] = [
    ReportFormat(
      name: "html", summary: "one self-contained page",
      files: [("report.html", { run, options throws(ReportError) in try HTMLReport.render(run, options: options) })]),
    ReportFormat(
      name: "csv", summary: "samples, exits, distributions and summary as tables",
      files: [
        ("samples.csv", { run, _ throws(ReportError) in SamplesCSV.render(run) }),
        ("exits.csv", { run, _ throws(ReportError) in ExitsCSV.render(run) }),
        ("distributions.csv", { run, _ throws(ReportError) in DistributionsCSV.render(run) }),
        ("summary.csv", { run, _ throws(ReportError) in SummaryCSV.render(run) }),
      ]),
    ReportFormat(
      name: "json", summary: "everything, schema \(RunRecord.schema)",
      files: [("run.json", { run, _ throws(ReportError) in try RunJSON.render(run) })]),
  ]

  /// The format of this name.
  public static func named(_ name: String) -> ReportFormat? { all.first { $0.name == name } }
}
