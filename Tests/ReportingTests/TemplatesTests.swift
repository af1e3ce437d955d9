import Foundation
import Measurement
import Testing

@testable import Reporting

@Suite struct TemplatesTests {
  /// A folder of templates in place of the embedded ones; the caller's files only.
  private func render(_ files: [String: String]) throws -> String {
    let root = URL.temporaryDirectory.appending(path: "pvbench-test-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: root) }
    let folder = root.appending(path: "html")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for (name, text) in files { try Data(text.utf8).write(to: folder.appending(path: name)) }
    do {
      return String(
        decoding: try HTMLReport.render(try Golden.run(), options: ReportOptions(templates: root.path)), as: UTF8.self)
    } catch {
      // The folder's name is random: errors are compared without it.
      throw Described(text: "\(error)".replacingOccurrences(of: root.path, with: "ROOT"))
    }
  }

  private struct Described: Error, Equatable { let text: String }

  @Test func folderReplacesTheEmbeddedPage() throws {
    #expect(try render(["page.mustache": "{{runID}}!"]) == "20250314T221500Z-bench-01-3fa9!")
  }

  @Test func brokenTemplateIsNamedWithItsLine() {
    #expect(throws: Described(text: "ROOT/html/page.mustache:3:1: a section is not closed")) {
      try render(["page.mustache": "a\n{{#x}}b\n"])
    }
  }

  @Test func unknownPartialIsAnErrorAndNotAHole() {
    #expect(throws: Described(text: "template ROOT/html/nothing.mustache not found (ROOT/html/page.mustache uses it)"))
    {
      try render(["page.mustache": "{{> nothing }}"])
    }
  }

  @Test func folderThatIsNotThereIsNamed() throws {
    let run = try Golden.run()
    #expect(throws: ReportError.unreadable(path: "/nonexistent", detail: "not a folder of UTF-8 templates")) {
      try HTMLReport.render(run, options: ReportOptions(templates: "/nonexistent"))
    }
  }

  @Test func formatsAreFoundByName() {
    #expect(ReportFormat.all.map(\.name) == ["html", "csv", "json", "markdown", "junit", "openmetrics", "otlp"])
    #expect(ReportFormat.all.filter(\.isKept).map(\.name) == ["html", "csv", "json"])
    #expect(
      ReportFormat.named("csv")?.files.map(\.name) == [
        "samples.csv", "exits.csv", "distributions.csv", "summary.csv", "capacity.csv",
      ])
    #expect(ReportFormat.named("pdf") == nil)
  }
}
