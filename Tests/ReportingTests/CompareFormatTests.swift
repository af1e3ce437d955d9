import Foundation
import FoundationXML
import Measurement
import Statistics
import Testing

@testable import Reporting

@Suite struct CompareFormatTests {
  /// The golden run against itself with another kernel, reading slower by a half and flushing faster, and a mode gone.
  private static func document(text: String = "6.6", change: (inout RunRecord) -> Void = { _ in }) throws
    -> ComparisonDocument
  {
    var a = try Golden.run()
    var b = a
    b.id = "20261101T020304Z-host-beef"
    b.host.kernel = text
    for (cell, factor) in [(1, 0.5), (5, 0.97), (6, 1.5)] {
      for index in b.cells[cell].repetitions.indices {
        b.cells[cell].repetitions[index].metrics["throughput.ops"]? *= factor
      }
    }
    b.cells.removeLast()
    change(&a)
    change(&b)
    return ComparisonDocument(
      a, b, thresholds: ["throughput.ops": FloorOverride(relative: 0.02)], calibration: try calibration(a, text))
  }

  /// One that knows the first cell's throughput.
  private static func calibration(_ run: RunRecord, _ text: String) throws -> (CalibrationRecord, CalibrationNote) {
    let cell = run.cells[0]
    let record = CalibrationRecord(
      run: "20261031T000000Z-host-cafe", started: "2026-10-31T00:00:00Z", version: "0.1.0", seed: 1,
      fingerprint: run.host.fingerprint, configuration: [:], alpha: 0.05, runs: 60, repetitions: 6,
      falseAlarms: [
        FalseAlarms(order: .interleaved, floorRelative: nil, called: ShareRecord(1, of: 200)),
        FalseAlarms(order: .sequential, floorRelative: nil, called: ShareRecord(9, of: 200)),
      ], slowdown: nil,
      cells: [
        CalibratedCell(
          key: cell.key, primary: "throughput.ops",
          metrics: [
            CalibratedMetric(
              metric: "throughput.ops", n: 360, median: 100, spread: [-0.01, 0, 0.01], mde: ["10": 0.02],
              floorRelative: 0.02)
          ])
      ])
    return (record, CalibrationNote(record, stale: text == "6.6" ? [] : [text]))
  }

  private static func text(_ name: String, _ document: ComparisonDocument) throws -> String {
    let format = try #require(CompareFormat.named(name))
    return String(decoding: try format.render(document, ReportOptions()), as: UTF8.self)
  }

  @Test(arguments: CompareFormat.all.map(\.name)) func fileIsAsBefore(name: String) throws {
    let format = try #require(CompareFormat.named(name))
    try Golden.expect(
      try format.render(try Self.document(), ReportOptions()), equals: "compare\(format.suffix)")
  }

  @Test func everyFormatSaysHowOftenTheGateIsWrong() throws {
    let document = try Self.document()
    for name in ["markdown", "html", "junit"] {
      #expect(try Self.text(name, document).contains("0.5 % "))
      #expect(try Self.text(name, document).contains("runs made one after the other"))
    }
  }

  @Test func aRegressionFailsAndTheUnknownIsSkipped() throws {
    let document = try Self.document()
    let xml = try XMLDocumentReader.read(Data(try Self.text("junit", document).utf8))
    #expect(xml.count("testcase") == document.primaries.count)
    #expect(xml.count("failure") == document.primaries.count { $0.verdict == .regressed })
    #expect(
      xml.count("skipped")
        == document.primaries.count { $0.verdict == .inconclusive || $0.verdict == .notComparable })
    #expect(xml.attributes("testsuites")["failures"] == "\(xml.count("failure"))")
  }

  @Test(arguments: ["\"/><x a=\"", "]]>&<", "\u{0}\u{1B}\u{FFFE}", "\"\u{301}>"]) func hostileTextLeavesXMLWhole(
    text: String
  ) throws {
    let hostile = try Self.document { run in
      run.id = text
      for cell in run.cells.indices {
        run.cells[cell].workload += text
        run.cells[cell].mode += text
      }
    }
    let mild = try Self.document()
    let xml = try XMLDocumentReader.read(Data(try Self.text("junit", hostile).utf8))
    #expect(
      xml.count("testcase") == (try XMLDocumentReader.read(Data(Self.text("junit", mild).utf8))).count("testcase"))
    #expect(xml.count("x") == 0)
  }

  @Test func hostileTextLeavesTheTableWhole() throws {
    let text = try Self.text("markdown", try Self.document(text: "a|b\n| c | <img src=x> `d` **e**"))
    let hostile = try Self.document { run in
      for cell in run.cells.indices { run.cells[cell].workload += "|`x`\n" }
    }
    let rows = try Self.text("markdown", hostile).split(separator: "\n").filter { $0.hasPrefix("|") }
    let cells = rows.map { $0.replacing("\\|", with: "").count { $0 == "|" } }
    #expect(Set(cells) == [11])
    #expect(text.contains(#"a\|b \| c \| \<img src=x\> \`d\` \*\*e\*\*"#))
    #expect(!text.contains("| <img"))
  }

  @Test(arguments: ["<script>alert(1)</script>", "\" onload=\"x", "<\u{338}img src=x>"])
  func hostileTextLeavesThePageWhole(
    text: String
  ) throws {
    let page = try Self.text("html", try Self.document(text: text) { $0.version = text })
    #expect(!page.contains("<script"))
    #expect(!page.contains("<\u{338}img"))
    #expect(!page.contains("\" onload"))
    #expect(!page.contains("url("))
  }

  @Test func theAxisShowsSameAndEveryChange() {
    for ratios in [[1.001], [0.5, 3], [47, 152, 0.5], [0.001]] {
      let axis = ChangeAxis(covering: ratios)
      #expect(axis.ticks.contains(0))
      #expect(axis.ticks.count > 2)
      #expect(ratios.allSatisfy { (4...96).contains(axis.position(of: $0)) })
      let places = axis.ticks.map { axis.position(of: 1 + $0 / 100) }
      #expect(zip(places, places.dropFirst()).allSatisfy { $1 - $0 >= ChangeAxis.room })
    }
  }
}

/// The elements of a document that an XML parser accepts.
private final class XMLDocumentReader: NSObject, XMLParserDelegate {
  private var elements: [(name: String, attributes: [String: String])] = []

  static func read(_ data: Data) throws -> XMLDocumentReader {
    let reader = XMLDocumentReader()
    let parser = XMLParser(data: data)
    parser.delegate = reader
    try #require(parser.parse())
    return reader
  }

  func count(_ name: String) -> Int { elements.count { $0.name == name } }

  func attributes(_ name: String) -> [String: String] { elements.first { $0.name == name }?.attributes ?? [:] }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
    attributes: [String: String]
  ) {
    elements.append((name, attributes))
  }
}
