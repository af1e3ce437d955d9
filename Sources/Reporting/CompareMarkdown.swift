import Measurement
import Statistics

/// `pvbench compare --format markdown`: the primary metrics as a table (GitHub Flavored Markdown, section 4.10), with what one
/// has to know to believe them. Only what is called is bold.
public enum CompareMarkdown {
  /// The text's bytes.
  public static func render(_ document: ComparisonDocument) -> [UInt8] {
    var lines = ["## pvbench compare: \(CompareWords.counts(document))", ""]
    for (name, run) in [("A", document.a), ("B", document.b)] {
      lines.append(
        "- \(name): `\(code(run.id))`, \(run.status.rawValue), pvbench \(MarkdownText.escaped(run.version)), seed \(run.seed)"
      )
    }
    lines += document.differences.map { "- " + MarkdownText.escaped($0.words("in A", "in B")) }
    lines += CompareWords.thresholds(document).map { "- threshold: " + MarkdownText.escaped($0) }
    lines += ["", "| Workload | Mode | Metric | A | B | B/A | p | after Holm | MDE | Verdict |"]
    lines.append("|---|---|---|--:|--:|--:|--:|--:|--:|---|")
    lines += document.primaries.map(row)
    lines += [
      "",
      "Medians over guest boots and Hodges–Lehmann ratios, with 95 % intervals in brackets. MDE is the smallest change for the "
        + "worse that this many boots show in 80 % of comparisons.",
    ]
    lines += CalibrationWords.lines(document.calibration).flatMap { ["", MarkdownText.escaped($0)] }
    return Array((lines.joined(separator: "\n") + "\n").utf8)
  }

  private static func row(_ record: ComparisonRecord) -> String {
    let words = CompareWords(record)
    let isCalled = record.verdict == .regressed || record.verdict == .improved
    let verdict = isCalled ? "**\(words.verdict)**" : words.verdict
    let cells = [
      "`\(code(record.workload))`", MarkdownText.escaped(record.mode), MarkdownText.escaped(record.metric),
      MarkdownText.escaped(CompareWords.side(record.a, unit: record.unit)),
      MarkdownText.escaped(CompareWords.side(record.b, unit: record.unit)),
      MarkdownText.escaped(words.ratio), words.p ?? "", words.holm ?? "",
      [words.effect, words.basis].compactMap(\.self).joined(separator: " "),
      verdict + (record.reason.map { ": " + MarkdownText.escaped($0) } ?? ""),
    ]
    return "| " + cells.joined(separator: " | ") + " |"
  }

  /// Text inside back-ticks, where a back-tick or the end of a cell cannot be escaped alike everywhere.
  private static func code(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map { "`|\n\r\\".unicodeScalars.contains($0) ? "?" : $0 }))
  }
}
