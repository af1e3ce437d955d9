import Foundation
import Testing

/// Every input that was ever worth keeping, without libFuzzer and without a sanitizer: a trap ends the test run.
@Suite struct CorpusReplayTests {
  private static let corpora = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "corpora")

  private static func inputs(of name: String) throws -> [URL] {
    try FileManager.default.contentsOfDirectory(
      at: corpora.appending(path: name), includingPropertiesForKeys: nil)
  }

  @Test(arguments: FuzzTargets.all.map { $0.name })
  func everyKeptInputIsSurvived(name: String) throws {
    let type = try #require(FuzzTargets.all.first { $0.name == name })
    let target = try type.init()
    let inputs = try Self.inputs(of: name)
    #expect(!inputs.isEmpty)
    for file in inputs {
      let input = FuzzInput([UInt8](try Data(contentsOf: file)))
      // What the product refuses, it refuses: an error is an input's end like any other.
      try? target.run(input)
    }
  }

  @Test func everyCorpusHasItsTarget() throws {
    let folders = try FileManager.default.contentsOfDirectory(atPath: Self.corpora.path)
    #expect(folders.sorted() == FuzzTargets.all.map { $0.name }.sorted())
  }
}
