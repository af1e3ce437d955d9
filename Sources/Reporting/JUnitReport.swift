import Measurement

/// `junit.xml`: a test suite for each of pvbench's, a test case for each cell, as Jenkins and GitLab read them (the schema is
/// `junit-10.xsd` of Jenkins' xUnit plugin).
///
/// A cell passes where every repetition of it is `ok`. One with failed repetitions is an error, one with invalid ones a failure
/// (the host did not let it be measured), and one that only has skipped ones is skipped; each names every reason with its count.
/// What was measured is the case's output. Whether anything regressed is for `pvbench compare --format junit` to say.
public enum JUnitReport {
  /// The file's bytes.
  public static func render(_ run: RunRecord) -> [UInt8] {
    let metrics = MetricTable(run)
    let suites = run.suites.map { suite in
      (suite, run.cells.filter { $0.suite == suite }.map { Case(CellSummary($0), metrics: metrics) })
    }
    var xml = #"<?xml version="1.0" encoding="UTF-8"?>"# + "\n"
    xml += "<testsuites name=\(attribute("pvbench \(run.id)"))\(counts(suites.flatMap(\.1)))>\n"
    for (suite, cases) in suites {
      xml += "  <testsuite name=\(attribute("pvbench.\(suite)"))\(counts(cases))\(skipped(cases))"
      xml += " timestamp=\(attribute(timestamp(run.started)))>\n"
      for one in cases { xml += one.xml(suite: suite) }
      xml += "  </testsuite>\n"
    }
    return Array((xml + "</testsuites>\n").utf8)
  }

  /// RFC 3339 without its zone: the schema's ISO 8601 has none, and readers take it for UTC.
  private static func timestamp(_ text: String) -> String { text.hasSuffix("Z") ? String(text.dropLast()) : text }

  private static func counts(_ cases: [Case]) -> String {
    let failures = cases.count { $0.outcome == .invalid }
    let errors = cases.count { $0.outcome == .failed }
    return #" tests="\#(cases.count)" failures="\#(failures)" errors="\#(errors)""#
  }

  private static func skipped(_ cases: [Case]) -> String { #" skipped="\#(cases.count { $0.outcome == .skipped })""# }

  /// A cell as a test case.
  private struct Case {
    let cell: CellRecord
    let outcome: RepetitionStatus
    /// `2 of 7 repetitions failed: guest log ended, then nothing for 12 s`, one line a reason.
    let reasons: [String]
    let output: [String]

    init(_ summary: CellSummary, metrics: MetricTable) {
      cell = summary.cell
      let statuses = cell.repetitions.map(\.status)
      outcome =
        statuses.contains(.failed)
        ? .failed : statuses.contains(.invalid) ? .invalid : statuses.allSatisfy { $0 == .skipped } ? .skipped : .ok
      reasons =
        statuses.isEmpty
        ? ["no repetition ran"]
        : MissingRow.all(summary).map { "\($0.count) of \($0.of) repetitions \($0.status): \($0.reason)" }
      output = metrics.ordered(summary.metrics).map { id in
        let side = summary.side(id)
        let hasInterval = side.low != nil && side.high != nil
        let interval =
          hasInterval ? "[\(CSV.number(side.low)), \(CSV.number(side.high))]" : "[no finite 95 % interval]"
        return "\(id) \(CSV.number(side.median)) \(interval) \(metrics[id]?.unit ?? ""), n = \(side.n)"
      }
    }

    func xml(suite: String) -> String {
      var xml = "    <testcase classname=\(attribute("pvbench.\(suite)"))"
      xml += " name=\(attribute("\(cell.workload) (\(cell.mode))"))>"
      let message = attribute(reasons.first ?? "")
      let details = JUnitReport.text(reasons.joined(separator: "\n"))
      switch outcome {
      case .ok: break
      case .skipped: xml += "\n      <skipped message=\(message)>\(details)</skipped>"
      case .failed: xml += "\n      <error type=\"failed\" message=\(message)>\(details)</error>"
      case .invalid: xml += "\n      <failure type=\"invalid\" message=\(message)>\(details)</failure>"
      }
      if !output.isEmpty {
        xml += "\n      <system-out>\(JUnitReport.text(output.joined(separator: "\n")))</system-out>"
      }
      return xml + "\n    </testcase>\n"
    }
  }

  /// A quoted attribute's value; line ends survive the reader's normalisation (XML 1.0, section 3.3.3).
  private static func attribute(_ value: String) -> String {
    "\"" + text(value).split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "&#10;") + "\""
  }

  /// Character data, without characters that XML 1.0 does not have (section 2.2).
  private static func text(_ value: String) -> String {
    var safe = ""
    for scalar in TemplateContext.separable(value).unicodeScalars {
      safe.unicodeScalars.append(scalar.value & 0xFFFE == 0xFFFE ? "\u{FFFD}" : scalar)
    }
    return Markup.escaped(safe)
  }
}
