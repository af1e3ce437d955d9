import Foundation

/// What `swift package dump-package` and the source folders say of a package.
struct PackageDescription {
  let targets: [SourceTarget]

  enum DescriptionError: Error {
    case dumpFailed(status: Int32, errors: String)
  }

  /// The repository: three folders above this file, wherever links lead.
  static let repository = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// Describes the package in `folder`, leaving out its tests.
  init(_ folder: URL) throws {
    let manifest = try JSONDecoder().decode(Manifest.self, from: Self.dump(folder))
    targets = manifest.targets.filter { $0.type != "test" }.map { target in
      let sources = target.path ?? "Sources/\(target.name)"
      return SourceTarget(
        name: target.name, dependencies: target.names, imports: Self.imports(in: folder.appending(path: sources)))
    }
  }

  /// Modules that the Swift files below `folder` import.
  static func imports(in folder: URL) -> Set<String> {
    var modules: Set<String> = []
    let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
    while let file = files?.nextObject() as? URL {
      guard file.pathExtension == "swift", let text = try? String(contentsOf: file, encoding: .utf8) else { continue }
      modules.formUnion(ImportChecker.imports(in: text))
    }
    return modules
  }

  /// The manifest as JSON. The build that runs this test holds the lock of the package's own build folder, hence another.
  private static func dump(_ folder: URL) throws -> Data {
    let scratch = FileManager.default.temporaryDirectory.appending(path: "pvbench-dump-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: scratch) }
    let (output, errors) = (scratch.appending(path: "output.json"), scratch.appending(path: "errors.txt"))
    // SwiftPM leaves a lock file in TMPDIR.
    let command = """
      TMPDIR="$1" exec swift package --package-path "$0" --scratch-path "$1/scratch" dump-package >"$2" 2>"$3" </dev/null
      """
    let status = shell([command, folder.path, scratch.path, output.path, errors.path])
    guard status == 0 else {
      throw DescriptionError.dumpFailed(
        status: status, errors: (try? String(contentsOf: errors, encoding: .utf8)) ?? "")
    }
    return try Data(contentsOf: output)
  }

  /// Runs `sh -c` with `arguments` and this process's environment; what waitpid(2) says of its end.
  private static func shell(_ arguments: [String]) -> Int32 {
    var pointers = (["/bin/sh", "-c"] + arguments).map { strdup($0) } + [nil]
    var environment = ProcessInfo.processInfo.environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { (pointers + environment).forEach { free($0) } }
    var pid = pid_t()
    let code = posix_spawn(&pid, "/bin/sh", nil, nil, &pointers, &environment)
    guard code == 0 else { return code }
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    return status
  }
}

/// The part of a dumped manifest that is of interest.
private struct Manifest: Decodable {
  struct Target: Decodable {
    /// `{"byName": ["Name", …]}`, likewise `target`, `product` and `plugin`; what follows the name is of any shape.
    struct Reference: Decodable {
      let name: String

      init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Kind.self)
        guard let kind = container.allKeys.first else {
          throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "no known kind"))
        }
        var list = try container.nestedUnkeyedContainer(forKey: kind)
        name = try list.decode(String.self)
      }

      enum Kind: String, CodingKey { case byName, target, product, plugin }
    }

    let name: String
    let type: String
    let path: String?
    let dependencies: [Reference]
    let pluginUsages: [Reference]?

    var names: Set<String> { Set((dependencies + (pluginUsages ?? [])).map(\.name)) }
  }

  let targets: [Target]
}
