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
  /// True where every run has it in its folder from the beginning; others are made on demand.
  public let isKept: Bool
  /// Its files, in the order in which they are written, each with its exporter.
  public let files: [File]

  /// A file's name and its exporter.
  public typealias File = (name: String, render: @Sendable (RunRecord, ReportOptions) throws(ReportError) -> [UInt8])

  /// Every format.
  public static let all: [ReportFormat] = [
    ReportFormat(
      name: "html", summary: "one self-contained page", isKept: true,
      files: [("report.html", { run, options throws(ReportError) in try HTMLReport.render(run, options: options) })]),
    ReportFormat(
      name: "csv", summary: "samples, exits, distributions, summary and prices of load as tables", isKept: true,
      files: [
        ("samples.csv", { run, _ throws(ReportError) in SamplesCSV.render(run) }),
        ("exits.csv", { run, _ throws(ReportError) in ExitsCSV.render(run) }),
        ("distributions.csv", { run, _ throws(ReportError) in DistributionsCSV.render(run) }),
        ("summary.csv", { run, _ throws(ReportError) in SummaryCSV.render(run) }),
        ("capacity.csv", { run, _ throws(ReportError) in CapacityCSV.render(run) }),
      ]),
    ReportFormat(
      name: "json", summary: "everything, schema \(RunRecord.schema)", isKept: true,
      files: [("run.json", { run, _ throws(ReportError) in try RunJSON.render(run) })]),
    ReportFormat(
      name: "markdown", summary: "verdicts and ratios for a pull request", isKept: false,
      files: [("report.md", { run, options throws(ReportError) in try MarkdownReport.render(run, options: options) })]),
    ReportFormat(
      name: "junit", summary: "a test case for each cell, for CI", isKept: false,
      files: [("junit.xml", { run, _ throws(ReportError) in JUnitReport.render(run) })]),
    ReportFormat(
      name: "openmetrics", summary: "medians and ratios for Prometheus' textfile collector", isKept: false,
      files: [("pvbench.prom", { run, _ throws(ReportError) in OpenMetricsReport.render(run) })]),
    ReportFormat(
      name: "otlp", summary: "every repetition as OpenTelemetry JSON lines", isKept: false,
      files: [("otlp.jsonl", { run, _ throws(ReportError) in try OTLPReport.render(run) })]),
  ]

  /// The format of this name.
  public static func named(_ name: String) -> ReportFormat? { all.first { $0.name == name } }
}
