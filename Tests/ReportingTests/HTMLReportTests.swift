import Foundation
import Measurement
import Testing

@testable import Reporting

@Suite struct HTMLReportTests {
  private func page(_ change: (inout RunRecord) -> Void = { _ in }) throws -> String {
    var run = try Golden.run()
    change(&run)
    return String(decoding: try HTMLReport.render(run), as: UTF8.self)
  }

  @Test func pageNeedsNothingButItself() throws {
    let page = try page()
    #expect(page.matches(of: /(src|href|action)\s*=\s*"(?!#)/).isEmpty)
    #expect(page.matches(of: /<script/).count == 1)
    #expect(!page.contains("url("))
    #expect(!page.contains("@import"))
  }

  @Test func onlyTheScriptOfThePageMayRun() throws {
    let page = try page()
    let script = try #require(page.firstMatch(of: /<script>((?s).*)<\/script>/)).1
    let policy = try #require(page.firstMatch(of: /Content-Security-Policy" content="([^"]*)"/)).1
    let hash = Data(SHA256.hash(Array(script.utf8))).base64EncodedString()
    #expect(policy == "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-\(hash)'")
  }

  @Test func theHeadlineSpeaksOfExitsWhereThereWereAny() throws {
    let quiet = try page { run in
      for cell in run.cells.indices {
        for index in run.cells[cell].repetitions.indices {
          run.cells[cell].repetitions[index].metrics["exits.per_op"] = 0
        }
      }
    }
    #expect(try page().contains("instead of 23.0 userspace exits per operation"))
    #expect(!quiet.contains("userspace exits per operation.<"))
  }

  @Test func whatLookingCostsIsShownWhereItIsKnown() throws {
    #expect(try !page().contains("id=\"looking\""))
    let shown = try page { run in
      let row = LookingRecord.Row(
        workload: "exits.pio.out", mode: "full", instrument: "stamps", metric: "latency.p50", n: 10, on: 26e-6,
        off: 25e-6, ratio: (1.04, 1.03, 1.05), exitSeconds: (1e-6, 0.9e-6, 1.1e-6))
      run.looking = LookingRecord(
        measured: "2026-01-02T03:04:05Z", version: "1.0", fingerprint: run.host.fingerprint, rows: [row])
    }
    #expect(shown.contains("id=\"looking\""))
    let cost = "4.0 % [3.0 % to 5.0 %]<span class=\"sub\">above the limit"
    #expect(shown.contains("times of exits</td><td class=\"n\">" + cost))
    #expect(shown.contains("2026-01-02T03:04:05Z"))
  }

  @Test func anInvalidRunSaysHowManyBootsAndTheFirstReason() throws {
    let page = try page { run in
      run.status = .invalid
      run.cells[0].repetitions[1].status = .invalid
      run.cells[0].repetitions[1].reason = "stopped: the runner stood still for 2.00 s"
    }
    #expect(page.contains("The first: stopped: the runner stood still for 2.00 s."))
  }

  @Test(arguments: HostileText.all) func hostileTextStaysText(text: String) throws {
    func skeleton(_ text: String) throws -> String {
      Self.skeleton(try page { $0 = HostileText.filled($0, with: text) })
    }
    #expect(try skeleton(text) == skeleton("mild"))
  }

  /// The page's tags without the values of their attributes, found as a browser finds them: byte by byte.
  private static func skeleton(_ page: String) -> String {
    var skeleton: [UInt8] = []
    var isInTag = false
    var isQuoted = false
    for byte in page.utf8 {
      switch byte {
      case UInt8(ascii: "<") where !isQuoted: isInTag = true
      case UInt8(ascii: "\"") where isInTag: isQuoted.toggle()
      default: break
      }
      if isInTag, !isQuoted { skeleton.append(byte) }
      if byte == UInt8(ascii: ">"), !isQuoted { isInTag = false }
    }
    return String(decoding: skeleton, as: UTF8.self)
  }

  @Test func charactersThatHideTextAreReplaced() {
    #expect(TemplateContext.separable("a\u{202E}b\u{1B}c\u{2066}") == "a\u{FFFD}b\u{FFFD}c\u{FFFD}")
    #expect(TemplateContext.separable("grün 4\u{202F}KiB\n") == "grün 4\u{202F}KiB\n")
  }

  @Test func missingModeIsSkippedWithItsReasonAndNeverZero() throws {
    let section = try #require(
      ReportViewModel(try Golden.run(), parts: PageParts(style: "", script: "")).workloads.first {
        $0.anchor == "disk.randread.4k.qd32"
      })
    #expect(section.modes.map(\.isMissing) == [true, false])
    #expect(section.modes[0].state == "skipped: IDE has queue depth 1 only")
    #expect(section.rows.compactMap(\.cells.first?.value).isEmpty)
    #expect(Set(section.rows.compactMap(\.cells.first?.note)) == ["skipped"])
  }

  @Test func percentileWithoutSamplesSaysSo() throws {
    let section = try #require(
      ReportViewModel(try Golden.run(), parts: PageParts(style: "", script: "")).workloads.first)
    let row = try #require(section.rows.first { $0.label == "Latency, 99.9th percentile" })
    #expect(row.cells[0].value == nil)
    #expect(try #require(row.cells[0].note).hasPrefix("insufficient samples ("))
  }

  @Test(arguments: [Verdict.inconclusive, .noChangeFound, .notComparable]) func onlyCalledChangesHaveAColour(
    verdict: Verdict
  ) throws {
    let page = try page { run in
      run.attribution = nil
      for index in run.comparisons.indices { run.comparisons[index].verdict = verdict }
    }
    let body = try #require(page.components(separatedBy: "</style>").last)
    #expect(body.matches(of: /class="[^"]*\b(better|worse)\b/).isEmpty)
  }

  @Test func regressionReadsAsWorse() throws {
    let model = try ReportViewModel(
      {
        var run = try Golden.run()
        for index in run.comparisons.indices { run.comparisons[index].verdict = .regressed }
        return run
      }(), parts: PageParts(style: "", script: ""))
    #expect(try #require(model.lead).verdict.style == "worse")
  }

  @Test func emptyRunStillMakesAPage() throws {
    let page = try page { run in
      run.cells = []
      run.comparisons = []
      run.status = .failed
    }
    #expect(page.contains("Nothing was compared in this run"))
    #expect(page.contains("This run failed."))
  }

  @Test func countsBeyondTheLargestNumberDoNotStopTheReport() throws {
    let page = try page { run in
      for cell in run.cells.indices {
        for index in run.cells[cell].repetitions.indices {
          run.cells[cell].repetitions[index].exits.byReason["io"] = .max
          run.cells[cell].repetitions[index].exits.byDetail["io:0x1f0:in"] = ExitTally(
            exits: .max, elements: .max, bytes: .max, seconds: 1e300)
          run.cells[cell].repetitions[index].histograms["latency"] = "nonsense"
        }
      }
    }
    #expect(page.contains("ATA data"))
  }

  @Test func commandLineSurvivesTheShell() {
    #expect(ReportViewModel.shellLine(["a", "b c", "it's", "", "$x"]) == "a 'b c' 'it'\\''s' '' '$x'")
  }

  @Test func axisAlwaysShowsOneAndEveryValue() {
    let axis = LogarithmicAxis(covering: [47, 152, 0.5])
    #expect(axis.ticks.contains(1))
    #expect([0.5, 1, 47, 152].allSatisfy { (4...96).contains(axis.position(of: $0)) })
    #expect(axis.label(0.2) == "0.2×")
  }
}
