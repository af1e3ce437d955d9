import Measurement
import Testing

@testable import Reporting

@Suite struct CSVTests {
  private func run(_ repetitions: [RepetitionRecord]) -> RunRecord {
    RunRecord(
      id: "r", started: "", finished: nil, status: .complete, command: [], version: "", seed: 1,
      host: HostRecord(
        fingerprint: "", configuration: [:], cpu: [:], kernel: "", kvm: [:], numa: [], warnings: [], name: ""),
      cells: [
        CellRecord(
          suite: "disk", workload: "w", mode: "full", choices: [:], primary: "throughput.ops", warmupSeconds: 0,
          repetitions: repetitions)
      ], comparisons: [], metrics: [])
  }

  private func rows(_ bytes: [UInt8]) -> [String] {
    String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n").dropFirst().dropLast()
  }

  @Test(arguments: [
    ("plain", "plain"), ("a,b", "\"a,b\""), ("say \"x\"", "\"say \"\"x\"\"\""), ("a\r\nb", "\"a\r\nb\""),
    ("\"\u{301}", "\"\"\"\u{301}\""), ("", ""),
  ]) func fieldIsQuotedWhereItMustBe(field: String, quoted: String) {
    #expect(Array(CSV.quoted(field).unicodeScalars) == Array(quoted.unicodeScalars))
  }

  @Test(arguments: [
    ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"), ("@SUM(1)", "'@SUM(1)"), ("-1+2|x", "'-1+2|x"),
    ("+x", "'+x"), ("\t=1", "'\t=1"), ("-1.5e-3", "-1.5e-3"), ("a=b", "a=b"), ("", ""),
  ]) func formulaIsOnlyText(field: String, inert: String) { #expect(CSV.inert(field) == inert) }

  @Test(arguments: HostileText.all) func hostileTextAddsNeitherRowNorField(text: String) throws {
    func shape(_ text: String) throws -> [[Int]] {
      let run = HostileText.filled(try Golden.run(), with: text)
      let files = try #require(ReportFormat.named("csv")).files
      return try files.map { RFC4180.rows(try $0.render(run, ReportOptions())).map(\.count) }
    }
    #expect(try shape(text) == shape("mild"))
  }

  @Test(arguments: [0.1 + 0.2, 1e-9, 1 / 3, 5e300, 123_456_789.125] as [Double]) func numberReadsBackExactly(
    value: Double
  ) {
    #expect(Double(CSV.number(value)) == value)
  }

  @Test func skippedRepetitionIsOneRowWithoutNumbers() {
    let skipped = run([RepetitionRecord(index: 0, order: 4, status: .skipped, reason: "no, not here")])
    #expect(rows(SamplesCSV.render(skipped)) == ["r,disk,w,full,0,4,skipped,,,,"])
    #expect(rows(ExitsCSV.render(skipped)) == ["r,disk,w,full,0,skipped,\"no, not here\",,,,"])
    #expect(rows(SummaryCSV.render(skipped)) == ["r,disk,w,full,throughput.ops,1/s,higher,0,,,,,,,,"])
  }

  @Test func exitsWithoutADetailMakeTheReasonAddUp() {
    let exits = ExitCounts(
      total: 12, byReason: ["io": 10, "hlt": 2, "mmio": 0],
      byDetail: ["io:0x1f0:in": ExitTally(exits: 8, elements: 2048, bytes: 4096, seconds: 0.5)],
      latency: [
        "hlt": ExitLatency(count: 2, p50: 0, p99: 0, sum: 0.25), "io": ExitLatency(count: 10, p50: 0, p99: 0, sum: 1),
      ])
    #expect(
      rows(ExitsCSV.render(run([RepetitionRecord(index: 0, order: 0, status: .ok, exits: exits)]))) == [
        "r,disk,w,full,0,io,0x1f0:in,8,2048,4096,0.5", "r,disk,w,full,0,hlt,,2,,,0.25", "r,disk,w,full,0,io,,2,,,",
        "r,disk,w,full,0,mmio,,0,,,",
      ])
  }

  @Test func measuredRepetitionWithoutExitsSaysZero() {
    #expect(
      rows(ExitsCSV.render(run([RepetitionRecord(index: 0, order: 0, status: .ok)]))) == ["r,disk,w,full,0,,,0,,,"])
  }

  @Test func failedRepetitionEntersNoMedian() {
    let summary = rows(
      SummaryCSV.render(
        run([
          RepetitionRecord(index: 0, order: 0, status: .ok, metrics: ["throughput.ops": 2]),
          RepetitionRecord(index: 1, order: 1, status: .invalid, reason: "steal", metrics: ["throughput.ops": 100]),
        ])))
    #expect(summary == ["r,disk,w,full,throughput.ops,1/s,higher,1,2.0,,,,,,,"])
  }
}
