import Foundation
import Measurement

/// `report.html`: one file without anything to be fetched, for screens wide and narrow, light and dark, and for paper. It is
/// whole without its script, which is the only one that the page's content security policy lets run: by its hash (CSP Level 3,
/// section 2.3.1).
public enum HTMLReport {
  /// The file's bytes.
  ///
  /// - Throws: `ReportError` where templates are missing or broken.
  public static func render(_ run: RunRecord, options: ReportOptions = ReportOptions()) throws(ReportError) -> [UInt8] {
    let templates = try Templates(for: "html", options: options)
    let parts = PageParts(style: try templates.text("style.css"), script: try templates.text("report.js"))
    return Array(try templates.render(ReportViewModel(run, parts: parts)).utf8)
  }
}

/// What a page has besides its content.
struct PageParts: Sendable {
  let style: Markup
  let script: Markup
  /// `sha256-…`, as the policy names the script.
  let scriptHash: String

  /// A page with this style sheet and script.
  init(style: String, script: String) {
    self.style = Markup(text: style)
    self.script = Markup(text: script)
    scriptHash = "sha256-" + Data(SHA256.hash(Array(script.utf8))).base64EncodedString()
  }
}
