import Foundation
import Measurement
import Testing

/// `pvbench compare` as a program, on two stored runs that are made up.
@Suite("pvbench compare") struct CompareProgramTests {
  private let folder = URL(filePath: TemporaryFolder.programFolder)
    .appending(path: "pvbench-test-compare-\(UUID().uuidString)")
  private let runs: RunRecord

  init() throws {
    let fixture = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fixtures/report/run.json")
    runs = try JSONDecoder().decode(RunRecord.self, from: Data(contentsOf: fixture))
  }

  private func store(_ name: String, slower factor: Double = 1, fingerprint: String? = nil) throws {
    var run = runs
    run.id = name
    if let fingerprint { run.host.fingerprint = fingerprint }
    for cell in run.cells.indices {
      for index in run.cells[cell].repetitions.indices {
        run.cells[cell].repetitions[index].metrics["throughput.ops"]? *= factor
      }
    }
    let path = folder.appending(path: name)
    try FileManager.default.createDirectory(at: path, withIntermediateDirectories: true)
    try JSONEncoder().encode(run).write(to: path.appending(path: "run.json"))
  }

  private func compare(_ arguments: String...) throws -> Child.Result {
    try Child.run(
      ["/usr/bin/env", "PVBENCH_OUT=\(folder.path)", "PVBENCH_HOST_ROOT=\(folder.path)"]
        + ["\(TemporaryFolder.programFolder)/pvbench", "compare"] + arguments)
  }

  @Test func theTableIsForPeopleAndTheExitCodeForPrograms() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try store("a")
    try store("b", slower: 0.5)
    let result = try compare("a", "b")
    #expect(result.status == 0)
    #expect(result.output.contains("WORKLOAD"))
    #expect(result.output.contains("regressed"))
    #expect(result.output.contains("nobody has calibrated this gate"))
    #expect(try compare("a", "b", "--fail-on", "regression").status == 2)
    #expect(try compare("a", "b", "--fail-on", "regression", "--threshold", "throughput.ops=60%").status == 0)
  }

  @Test func aFileIsInTheFormatThatItsNameSays() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try store("a")
    try store("b")
    for (name, beginning) in [
      ("c.md", "## pvbench compare"), ("c.csv", "a,b,suite"), ("c.html", "<!DOCTYPE html>"), ("c.xml", "<?xml"),
      ("c.json", "{"), ("c.txt", "A: a"),
    ] {
      let path = folder.appending(path: name)
      let result = try compare("a", "b", "--out", path.path)
      #expect(result.status == 0)
      #expect(result.output.isEmpty)
      #expect(try String(contentsOf: path, encoding: .utf8).hasPrefix(beginning))
    }
    #expect(try compare("a", "b", "--format", "junit").output.hasPrefix("<?xml"))
  }

  @Test func whatIsAskedWronglyIsOneLine() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try store("a")
    try store("b", fingerprint: "another")
    let wrong = [
      try compare("a", "b"), try compare("a", "a2"), try compare("a", "a"),
      try compare("a", "b", "--threshold", "throughput.op=5%"), try compare("a", "b", "--format", "mark"),
      try compare("a", "b", "--format", "csv", "--json"),
    ]
    #expect(wrong.map(\.status) == [64, 64, 64, 64, 64, 64])
    #expect(wrong.map(\.output) == ["", "", "", "", "", ""])
    #expect(wrong.allSatisfy { $0.errors.hasPrefix("pvbench: ") && $0.errors.count { $0 == "\n" } == 1 })
    #expect(wrong[0].errors.contains("fingerprint: "))
    #expect(wrong[3].errors.contains("did you mean 'throughput.ops'?"))
    #expect(try compare("a", "b", "--allow-mismatch").output.contains("another in B"))
  }

  @Test func aDamagedCalibrationIsNamed() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try store("a")
    try store("b")
    let calibrations = folder.appending(path: "var/lib/pvbench/calibration")
    try FileManager.default.createDirectory(at: calibrations, withIntermediateDirectories: true)
    let fingerprint = runs.host.fingerprint.filter { $0.isLetter || $0.isNumber }
    try Data("{".utf8).write(to: calibrations.appending(path: "\(fingerprint).json"))
    let result = try compare("a", "b")
    #expect(result.status == 1)
    #expect(result.errors.hasSuffix("is damaged (delete it, or calibrate again)\n"))
  }
}
