import Statistics

/// A format of `pvbench compare --format`. To add one is to add an exporter and a row to `all`.
public struct CompareFormat: Sendable {
  /// What `--format` calls it.
  public let name: String
  /// How its files' names end.
  public let suffix: String
  /// One line for people.
  public let summary: String
  /// The exporter.
  public let render: @Sendable (ComparisonDocument, ReportOptions) throws(ReportError) -> [UInt8]

  /// Every format.
  public static let all: [CompareFormat] = [
    CompareFormat(
      name: "markdown", suffix: ".md", summary: "a table for a merge request",
      render: { document, _ throws(ReportError) in CompareMarkdown.render(document) }),
    CompareFormat(
      name: "csv", suffix: ".csv", summary: "every metric, a row each",
      render: { document, _ throws(ReportError) in CompareCSV.render(document) }),
    CompareFormat(
      name: "html", suffix: ".html", summary: "one self-contained page",
      render: { document, options throws(ReportError) in try CompareHTML.render(document, options: options) }),
    CompareFormat(
      name: "junit", suffix: ".xml", summary: "a test case for each primary metric, for CI",
      render: { document, _ throws(ReportError) in CompareJUnit.render(document) }),
  ]

  /// The format of this name.
  public static func named(_ name: String) -> CompareFormat? { all.first { $0.name == name } }
}
