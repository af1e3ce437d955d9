import Measurement
import Statistics

/// `pvbench compare --format junit`: a test case for each primary metric, in a suite for each of pvbench's. A regression is a
/// failure; what nobody knows or can compare is skipped, with the reason.
public enum CompareJUnit {
  /// The file's bytes.
  public static func render(_ document: ComparisonDocument) -> [UInt8] {
    let primaries = document.primaries
    let suites = primaries.reduce(into: [String]()) { if !$0.contains($1.suite) { $0.append($1.suite) } }
    let names = "pvbench compare \(document.a.id) \(document.b.id)"
    var xml = #"<?xml version="1.0" encoding="UTF-8"?>"# + "\n"
    xml += "<testsuites name=\(XMLText.attribute(names))\(counts(primaries))>\n"
    for suite in suites {
      let records = primaries.filter { $0.suite == suite }
      xml += "  <testsuite name=\(XMLText.attribute("pvbench.\(suite)"))\(counts(records))"
      xml += " skipped=\"\(records.count(where: isSkipped))\">\n    <properties>\n"
      for (name, value) in properties(document) {
        xml += "      <property name=\"\(name)\" value=\(XMLText.attribute(value))/>\n"
      }
      xml += "    </properties>\n" + records.map(testCase).joined() + "  </testsuite>\n"
    }
    return Array((xml + "</testsuites>\n").utf8)
  }

  private static func properties(_ document: ComparisonDocument) -> [(String, String)] {
    [("a", document.a.id), ("b", document.b.id)]
      + CalibrationWords.lines(document.calibration).map { ("gate", $0) }
  }

  private static func counts(_ records: [ComparisonRecord]) -> String {
    #" tests="\#(records.count)" failures="\#(records.count { $0.verdict == .regressed })" errors="0""#
  }

  private static func isSkipped(_ record: ComparisonRecord) -> Bool {
    record.verdict == .inconclusive || record.verdict == .notComparable
  }

  private static func testCase(_ record: ComparisonRecord) -> String {
    let words = CompareWords(record)
    let message = XMLText.attribute(words.verdict + (record.reason.map { ": \($0)" } ?? ""))
    let evidence = XMLText.text(evidence(words))
    var xml = "    <testcase classname=\(XMLText.attribute("pvbench.\(record.suite)"))"
    xml += " name=\(XMLText.attribute("\(record.workload) (\(record.mode)) \(record.metric)"))>\n"
    switch record.verdict {
    case .regressed: xml += "      <failure type=\"regressed\" message=\(message)>\(evidence)</failure>\n"
    case .inconclusive, .notComparable: xml += "      <skipped message=\(message)/>\n"
    case .improved, .noChangeFound: break
    }
    if record.verdict != .notComparable {
      xml += "      <system-out>\(XMLText.text(words.verdict)): \(evidence)</system-out>\n"
    }
    return xml + "    </testcase>\n"
  }

  private static func evidence(_ words: CompareWords) -> String {
    let record = words.record
    let parts: [String?] = [
      "A \(CompareWords.side(record.a, unit: record.unit)), B \(CompareWords.side(record.b, unit: record.unit))",
      "B/A \(words.ratio)", words.p, words.holm.map { "after Holm \($0)" }, words.effect.map { "MDE \($0)" },
    ]
    return parts.compactMap(\.self).joined(separator: ", ")
  }
}
