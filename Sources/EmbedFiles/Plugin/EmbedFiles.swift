import Foundation
import PackagePlugin

/// Embeds the text files of a top-level folder into the target that uses it (suites into Campaign, templates into
/// Reporting), as `EmbeddedFiles.all: [(path: String, text: StaticString)]`.
@main struct EmbedFiles: BuildToolPlugin {
  /// Which folder belongs to which target.
  static let folders = ["Campaign": "workloads/suites", "Reporting": "report-templates"]

  func createBuildCommands(context: PluginContext, target: Target) async throws -> [Command] {
    guard let folder = Self.folders[target.name] else { return [] }
    let root = context.package.directoryURL.appending(path: folder).resolvingSymlinksInPath()
    var inputs: [URL] = []
    let walker = FileManager.default.enumerator(at: root, includingPropertiesForKeys: [.isRegularFileKey])
    for case let url as URL in walker ?? .init() {
      if try url.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile == true { inputs.append(url) }
    }
    inputs.sort { $0.path < $1.path }
    let output = context.pluginWorkDirectoryURL.appending(path: "EmbeddedFiles.swift")
    return [
      .buildCommand(
        displayName: "Embedding \(folder)", executable: try context.tool(named: "embed-files").url,
        arguments: [output.path, root.path] + inputs.map(\.path), inputFiles: inputs, outputFiles: [output])
    ]
  }
}
