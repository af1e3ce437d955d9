import Foundation
import FoundationXML
import Measurement
import Testing

@testable import Reporting

@Suite("formats for machines") struct MachineFormatsTests {
  /// Elements by name, and all text, of a well-formed document.
  private final class Reader: NSObject, XMLParserDelegate {
    var elements: [String] = []
    var attributes: [[String: String]] = []
    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
      attributes: [String: String]
    ) {
      elements.append(name)
      self.attributes.append(attributes)
    }
  }

  private func read(_ bytes: [UInt8]) throws -> Reader {
    let reader = Reader()
    let parser = XMLParser(data: Data(bytes))
    parser.delegate = reader
    try #require(parser.parse(), "\(String(describing: parser.parserError)) in line \(parser.lineNumber)")
    return reader
  }

  private func run(_ statuses: [RepetitionStatus]) throws -> RunRecord {
    var run = try Golden.run()
    run.cells = [run.cells[0]]
    run.cells[0].repetitions = statuses.enumerated().map { index, status in
      RepetitionRecord(index: index, order: index, status: status, reason: status == .ok ? nil : "why \(status)")
    }
    return run
  }

  @Test(
    arguments: [
      ([.ok, .ok], []), ([.ok, .failed, .invalid], ["error"]), ([.ok, .invalid], ["failure"]),
      ([.skipped, .skipped], ["skipped"]), ([.skipped, .ok], []), ([], ["skipped"]),
    ] as [([RepetitionStatus], [String])]) func caseSaysHowItsCellEnded(
      statuses: [RepetitionStatus], elements: [String]
    ) throws
  {
    let reader = try read(JUnitReport.render(try run(statuses)))
    #expect(reader.elements.filter { ["error", "failure", "skipped"].contains($0) } == elements)
  }

  @Test func countsOfSuitesAreThoseOfTheirCases() throws {
    let reader = try read(JUnitReport.render(try run([.failed])))
    #expect(reader.attributes[1]["tests"] == "1")
    #expect(reader.attributes[1]["errors"] == "1")
    #expect(reader.attributes[1]["failures"] == "0")
    #expect(reader.attributes.last?["message"] == "1 of 1 repetitions failed: why failed")
  }

  @Test(arguments: HostileText.all) func junitStaysWellFormed(text: String) throws {
    func elements(_ text: String) throws -> [String] {
      try read(JUnitReport.render(HostileText.filled(try Golden.run(), with: text))).elements
    }
    #expect(try elements(text) == elements("mild"))
  }

  private func lines(_ bytes: [UInt8]) -> [Substring] { String(decoding: bytes, as: UTF8.self).split(separator: "\n") }

  @Test(arguments: HostileText.all) func metricsHaveNoLineOfATextsOwn(text: String) throws {
    func starts(_ text: String) throws -> [Substring] {
      lines(OpenMetricsReport.render(HostileText.filled(try Golden.run(), with: text))).map { $0.prefix { $0 != "{" } }
    }
    #expect(try starts(text).count == starts("mild").count)
    #expect(try starts(text).filter { $0.contains("fake") }.isEmpty)
  }

  @Test(arguments: [
    ("latency.p99.9", "s", "pvbench_latency_p99_9_seconds"),
    ("throughput.ops", "1/s", "pvbench_throughput_ops_per_second"),
    ("throughput.bytes", "B/s", "pvbench_throughput_bytes_per_second"),
    ("host.cpu_seconds", "s", "pvbench_host_cpu_seconds"),
    ("exits.loop_total", "1", "pvbench_exits_loop"), ("exits.per_op", "1", "pvbench_exits_per_op"),
  ]) func metricIsNamedByPrometheusHabits(id: String, unit: String, name: String) {
    #expect(OpenMetricsReport.name(of: id, unit: unit).name == name)
  }

  @Test func metricsEndWithTheirEnd() throws {
    #expect(lines(OpenMetricsReport.render(try Golden.run())).last == "# EOF")
  }

  @Test func everyRepetitionIsADataPoint() throws {
    let run = try Golden.run()
    let measured = run.cells.flatMap(\.repetitions).filter { $0.status == .ok }.reduce(0) { $0 + $1.metrics.count }
    var points = 0
    for line in lines(try OTLPReport.render(run)) {
      let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      let resources = try #require(object["resourceMetrics"] as? [[String: Any]])
      let scopes = try #require(resources[0]["scopeMetrics"] as? [[String: Any]])
      for metric in try #require(scopes[0]["metrics"] as? [[String: Any]]) {
        points += try #require((metric["gauge"] as? [String: [Any]])?["dataPoints"]).count
      }
    }
    #expect(points == measured)
  }

  @Test func numberThatJSONLacksIsAnError() throws {
    var run = try run([.ok])
    run.cells[0].repetitions[0].metrics["throughput.ops"] = .infinity
    #expect(throws: ReportError.notRepresentable("a metric of disk.randread.4k.qd1 is infinite or not a number")) {
      try OTLPReport.render(run)
    }
  }
}
