import Foundation
import Measurement
import Testing

@testable import Reporting

@Suite struct GoldenTests {
  @Test(arguments: ReportFormat.all.flatMap(\.files).map(\.name)) func fileIsAsBefore(name: String) throws {
    let file = try #require(ReportFormat.all.flatMap(\.files).first { $0.name == name })
    try Golden.expect(try file.render(try Golden.run(), ReportOptions()), equals: name)
  }

  @Test func jsonReadsBackAsTheSameRun() throws {
    let run = try Golden.run()
    let again = try JSONDecoder().decode(RunRecord.self, from: Data(try RunJSON.render(run)))
    #expect(again == run)
  }

  @Test func ratioIsTheSameNumberInPageTableAndRecord() throws {
    let run = try Golden.run()
    let comparison = try #require(run.comparisons.first { $0.metric == "throughput.ops" && $0.ratio != nil })
    let page = String(decoding: try HTMLReport.render(run), as: UTF8.self)
    let shown = try #require(
      page.firstMatch(of: /data-ratio="([^"]+)" data-ratio-low="([^"]+)" data-ratio-high="([^"]+)"/))
    #expect(Double(shown.1) == comparison.ratio)
    #expect(Double(shown.2) == comparison.ratioLow)
    #expect(Double(shown.3) == comparison.ratioHigh)
    let rows = String(decoding: SummaryCSV.render(run), as: UTF8.self).components(separatedBy: "\r\n")
    let row = try #require(rows.first { $0.contains("\(comparison.workload),full:paravirt,throughput.ops,") })
    let fields = row.components(separatedBy: ",")
    #expect(fields[11...13].map { Double($0) } == [comparison.ratio, comparison.ratioLow, comparison.ratioHigh])
  }
}
