import Foundation
import Measurement
import Testing

@testable import Reporting

@Suite("report.md") struct MarkdownReportTests {
  private func document(_ run: RunRecord) throws -> String {
    String(decoding: try MarkdownReport.render(run), as: UTF8.self)
  }

  /// Every line as its kind and its number of cells; what stands in a fence of code counts as nothing.
  private func shape(_ document: String) -> [String] {
    var fence: Substring?
    return document.split(separator: "\n", omittingEmptySubsequences: false).compactMap { line in
      let run = line.prefix { $0 == "`" }
      if let open = fence {
        if run.count >= open.count, run.count == line.count { fence = nil }
        return nil
      }
      if run.count >= 3 {
        fence = run
        return "code"
      }
      // GitHub's tables are split at every pipe that no backslash precedes.
      let pipes = line.matches(of: /(?:^|[^\\])(?:\\\\)*(?=\|)/).count
      let tags = line.matches(of: /(?:^|[^\\])(?:\\\\)*(?=[<`\[])/).count
      return "\(line.first.map(String.init) ?? "") \(pipes) \(tags)"
    }
  }

  @Test(arguments: HostileText.all) func hostileTextStaysText(text: String) throws {
    let run = try Golden.run()
    #expect(
      shape(try document(HostileText.filled(run, with: text)))
        == shape(try document(HostileText.filled(run, with: "mild"))))
  }

  @Test(arguments: [
    ("a|b", "a\\|b"), ("x\ny", "x y"), ("<b>", "\\<b\\>"), ("https://x", "https:\\//x"),
    ("@all", "@\u{2060}all"), ("1.5×", "1.5×"), ("a\\", "a\\\\"),
  ]) func textIsEscaped(text: String, escaped: String) { #expect(MarkdownText.escaped(text) == escaped) }

  @Test func fenceIsLongerThanWhatItHolds() {
    #expect(MarkdownText.block("a ```` b").text == "`````\na ```` b\n`````")
  }

  @Test func whatHasNoPairIsListed() throws {
    var run = try Golden.run()
    run.comparisons = []
    let document = try document(run)
    #expect(document.contains("Nothing was compared in this run."))
    #expect(document.contains("Cells that were compared with nothing"))
    #expect(document.matches(of: /\n\| 4.KiB random reads, queue depth 1 \| full \|/).count == 1)
  }
}
