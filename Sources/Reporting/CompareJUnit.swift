import Measurement
import Statistics

/// `pvbench compare --format junit`: a test case for each primary metric, in a suite for each of pvbench's. A regression is a
/// failure; what nobody knows or can compare is skipped, with the reason.
public enum CompareJUnit {
  /// The file's bytes.
  public static func render(_ document: ComparisonDocument) -> [UInt8] {
    let primaries = document.primaries
    let suites = primaries.reduce(into: [String]()) { if !$0.contains($1.suite) { $0.append($1.suite) } }
    var text = #"<?xml version="1.0" encoding="UTF-8"?>"# + "\n"
    text += "<testsuites name=\"pvbench compare\" \(counts(primaries))>\n"
    for suite in suites {
      let records = primaries.filter { $0.suite == suite }
      text += "  <testsuite name=\"\(XMLText.escaped(suite))\" \(counts(records))>\n    <properties>\n"
      for (name, value) in properties(document) {
        text += "      <property name=\"\(name)\" value=\"\(XMLText.escaped(value))\"/>\n"
      }
      text += "    </properties>\n" + records.map(testCase).joined() + "  </testsuite>\n"
    }
    return Array((text + "</testsuites>\n").utf8)
  }

  private static func properties(_ document: ComparisonDocument) -> [(String, String)] {
    [("a", document.a.id), ("b", document.b.id)]
      + CalibrationWords.lines(document.calibration).map { ("gate", $0) }
  }

  private static func counts(_ records: [ComparisonRecord]) -> String {
    let failures = records.count { $0.verdict == .regressed }
    return
      #"tests="\#(records.count)" failures="\#(failures)" errors="0" skipped="\#(records.count(where: isSkipped))""#
  }

  private static func isSkipped(_ record: ComparisonRecord) -> Bool {
    record.verdict == .inconclusive || record.verdict == .notComparable
  }

  private static func testCase(_ record: ComparisonRecord) -> String {
    let words = CompareWords(record)
    let message = XMLText.escaped(words.verdict + (record.reason.map { ": \($0)" } ?? ""))
    var text =
      #"    <testcase classname="\#(XMLText.escaped(record.workload))" name="\#(XMLText.escaped("\(record.metric) \(record.mode)"))">"#
      + "\n"
    if record.verdict == .regressed {
      text +=
        #"      <failure type="regressed" message="\#(message)">\#(XMLText.escaped(evidence(words)))</failure>"# + "\n"
    } else if isSkipped(record) {
      text += #"      <skipped message="\#(message)"/>"# + "\n"
    }
    if record.verdict != .notComparable, record.verdict != .regressed {
      text += "      <system-out>\(message): \(XMLText.escaped(evidence(words)))</system-out>\n"
    }
    return text + "    </testcase>\n"
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
