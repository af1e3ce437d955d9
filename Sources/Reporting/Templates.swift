import Foundation
import Mustache

/// The text files that a report format is made of, embedded at build time or read from a folder in their place.
struct Templates {
  /// Text by path relative to the format's folder: `page.mustache`, `style.css`.
  let files: [String: String]
  /// The path by which errors name the folder.
  let folder: String

  /// The embedded files of a format (`html`).
  init(embedded format: String) {
    folder = "report-templates/\(format)"
    var files: [String: String] = [:]
    for file in EmbeddedFiles.all where file.path.hasPrefix(format + "/") {
      files[String(file.path.dropFirst(format.count + 1))] = file.text.description
    }
    self.files = files
  }

  /// The files of a format that the caller's options ask for.
  init(for format: String, options: ReportOptions) throws(ReportError) {
    if let folder = options.templates {
      try self.init(folder: folder, format: format)
    } else {
      self.init(embedded: format)
    }
  }

  /// A format's files from `folder` (laid out as `report-templates` is); what it lacks is taken from the embedded ones.
  private init(folder root: String, format: String) throws(ReportError) {
    var files = Templates(embedded: format).files
    folder = "\(root)/\(format)"
    do {
      let hasOwn = try FileManager.default.contentsOfDirectory(atPath: root).contains(format)
      for name in hasOwn ? try FileManager.default.contentsOfDirectory(atPath: folder) : []
      where [".mustache", ".css", ".js"].contains(where: name.hasSuffix) {
        files[name] = try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
      }
    } catch {
      throw .unreadable(path: root, detail: "not a folder of UTF-8 templates")
    }
    self.files = files
  }

  /// A file's text.
  func text(_ name: String) throws(ReportError) -> String {
    guard let text = files[name] else { throw .missingTemplate(file: "\(folder)/\(name)", usedBy: nil) }
    return text
  }

  /// Renders `page.mustache` over the properties of `model`, each text of which is passed through `escape`. (HTML escapes
  /// what templates insert; other formats say `{{% CONTENT_TYPE:TEXT}}` and are given text that is escaped already.)
  func render(
    _ model: some Sendable, escape: (String) -> String = TemplateContext.separable
  ) throws(ReportError) -> String {
    var library = MustacheLibrary()
    for (name, text) in files.sorted(by: { $0.key < $1.key }) where name.hasSuffix(".mustache") {
      do {
        library.register(try MustacheTemplate(string: text), named: String(name.dropLast(".mustache".count)))
      } catch let error as MustacheTemplate.ParserError {
        throw .brokenTemplate(
          file: "\(folder)/\(name)", line: error.context.lineNumber, column: error.context.columnNumber,
          detail: Self.explain(error.error))
      } catch {
        throw .brokenTemplate(file: "\(folder)/\(name)", line: 1, column: 1, detail: "\(error)")
      }
      // The library renders an unknown partial as nothing; a report with a hole must not pass for a whole one.
      for match in text.matches(of: /\{\{\s*>\s*([A-Za-z0-9_.\/-]+)\s*\}\}/)
      where files["\(match.1).mustache"] == nil {
        throw .missingTemplate(file: "\(folder)/\(match.1).mustache", usedBy: "\(folder)/\(name)")
      }
    }
    guard let page = library.render(TemplateContext.make(model, escape: escape), withTemplate: "page") else {
      throw .missingTemplate(file: "\(folder)/page.mustache", usedBy: nil)
    }
    return page
  }

  private static func explain(_ error: any Error) -> String {
    switch error as? MustacheTemplate.Error {
    case .sectionCloseNameIncorrect: "this section's end does not match its beginning"
    case .unfinishedName: "this tag has no end, or a character that no name has"
    case .expectedSectionEnd: "a section is not closed"
    case .invalidSetDelimiter: "malformed delimiter tag"
    default: "\(error)"
    }
  }
}
