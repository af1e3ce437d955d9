import Foundation
import Measurement
import Testing

@testable import Campaign

struct ComparedRunsTests {
  /// A run of one cell for each list of throughputs.
  private static func run(
    _ id: String, _ cells: [[Double]], fingerprint: String = "f", kernel: String = "6.1", status: RunStatus = .complete
  ) -> RunRecord {
    RunRecord(
      id: id, started: "", finished: nil, status: status, command: [], version: "1", seed: 1,
      host: HostRecord(
        fingerprint: fingerprint, configuration: [:], cpu: ["model_name": .string("CPU of \(fingerprint)")],
        kernel: kernel, kvm: [:], numa: [], warnings: [], name: ""),
      cells: cells.enumerated().map { number, values in
        CellRecord(
          suite: "cpu", workload: "cpu.w\(number)", mode: "full", choices: [:], primary: "throughput.ops",
          warmupSeconds: 0.5,
          repetitions: values.enumerated().map { index, value in
            RepetitionRecord(index: index, order: index, status: .ok, metrics: ["throughput.ops": value])
          })
      }, comparisons: [], metrics: [])
  }

  private static let ten = (0..<10).map { 1000 + Double($0) }
  private static let half = ten.map { $0 / 2 }
  /// Above and below, so that nobody knows.
  private static let wild = ten.enumerated().map { $0.element * ($0.offset < 7 ? 1.5 : 0.5) }

  private static func code(_ b: [[Double]], failOn gate: ComparedRuns.Gate?, status: RunStatus = .complete) throws
    -> Int32
  {
    try ComparedRuns(run("a", b.map { _ in ten }), run("b", b, status: status), allowsMismatch: false)
      .exitCode(failOn: gate)
  }

  @Test func aRegressionEndsTheProgramOnlyWhereAsked() throws {
    #expect(try Self.code([Self.half], failOn: nil) == 0)
    #expect(try Self.code([Self.half], failOn: .regression) == 2)
    #expect(try Self.code([Self.half], failOn: .inconclusive) == 2)
    #expect(try Self.code([Self.ten.map { 2 * $0 }], failOn: .inconclusive) == 0)
  }

  @Test func whatNobodyKnowsFailsOnlyWhereAsked() throws {
    #expect(try Self.code([Self.wild], failOn: .regression) == 0)
    #expect(try Self.code([Self.wild], failOn: .inconclusive) == 3)
  }

  @Test func aFailedRunIsNoSuccess() throws {
    #expect(try Self.code([Self.ten], failOn: nil, status: .failed) == 1)
    #expect(try Self.code([Self.ten], failOn: nil, status: .invalid) == 1)
    #expect(try Self.code([Self.ten], failOn: nil, status: .partial) == 0)
  }

  @Test func nothingComparableIsAsIfAllWereSkipped() throws {
    #expect(try Self.code([[]], failOn: nil) == 77)
  }

  @Test func otherHostsAreRefusedUnlessAllowed() throws {
    let (a, b) = (Self.run("a", [Self.ten]), Self.run("b", [Self.ten], fingerprint: "g"))
    #expect(
      throws: CampaignError.usage(
        "a and b are of different hosts: cpu model_name: CPU of f in A, CPU of g in B "
          + "(--allow-mismatch compares them all the same)")
    ) { try ComparedRuns(a, b, allowsMismatch: false) }
    let text = Self.text(try ComparedRuns(a, b, allowsMismatch: true))
    #expect(text.contains("   fingerprint: f in A, g in B\n"))
  }

  @Test func anotherKernelIsSaidAndCompared() throws {
    let text = Self.text(
      try ComparedRuns(Self.run("a", [Self.ten]), Self.run("b", [Self.ten], kernel: "6.6"), allowsMismatch: false))
    #expect(text.contains("   kernel: 6.1 in A, 6.6 in B\n"))
    #expect(!text.contains("fingerprint"))
  }

  @Test func aRunIsNotComparedWithItself() {
    let run = Self.run("a", [Self.ten])
    #expect(throws: CampaignError.usage("a is given twice: a run agrees with itself")) {
      try ComparedRuns(run, run, allowsMismatch: false)
    }
  }

  @Test func runsWithoutACommonCellAreAUsageError() {
    #expect(throws: CampaignError.usage("a and b have no workload in the same mode")) {
      try ComparedRuns(Self.run("a", [Self.ten]), Self.run("b", []), allowsMismatch: false)
    }
  }

  private static func text(_ runs: ComparedRuns, columns: Int = .max, usesColor: Bool = false) -> String {
    ComparisonText(runs.document, columns: columns, usesColor: usesColor).text
  }

  @Test func textHoldsALineACellAndTheAgreement() throws {
    let lines = Self.text(
      try ComparedRuns(
        Self.run("a", [Self.ten, Self.ten]), Self.run("b", [Self.ten, Self.half]), allowsMismatch: false)
    ).split(separator: "\n").map(String.init)
    #expect(lines.count { $0.hasPrefix("cpu.w") } == 2)
    #expect(lines.contains { $0.hasPrefix("cpu.w1") && $0.hasSuffix("regressed") && $0.contains("  0.5×  ") })
    #expect(lines.contains { $0.contains("1 k/s [1–1.01]  502 /s [500–504]") })
    #expect(lines.contains("2 primary metrics: 1 regressed, 1 no change found"))
    #expect(
      lines.contains { $0.hasPrefix("the interval of the ratio holds 1 for 1 of 2 (50.0 %); median half-width ") })
  }

  @Test(arguments: [80, 120]) func noLineIsLongerThanTheTerminal(columns: Int) throws {
    let runs = try ComparedRuns(
      Self.run("a", [Self.ten, Self.ten, []]), Self.run("b", [Self.wild, Self.half, Self.ten], kernel: "6.6"),
      allowsMismatch: false)
    let text = Self.text(runs, columns: columns)
    #expect(text.split(separator: "\n").map(\.count).max() ?? 0 <= columns)
    let joined = text.split(separator: "\n").map { $0.drop { $0 == " " } }.joined(separator: " ")
    #expect(joined.contains("throughput.ops: A 1 k/s [1–1.01], B 502 /s [500–504]; p < 0.0001, Holm < 0.0001; MDE "))
    #expect(text.contains("\n  cpu.w2 full: not comparable: A: no repetitions\n"))
  }

  @Test func onlyACalledChangeIsColoured() throws {
    let runs = try ComparedRuns(
      Self.run("a", [Self.ten, Self.ten]), Self.run("b", [Self.wild, Self.half]), allowsMismatch: false)
    let coloured = Self.text(runs, usesColor: true).split(separator: "\n").filter { $0.contains("\u{1B}") }
    #expect(coloured.count == 1)
    #expect(coloured.allSatisfy { $0.hasPrefix("cpu.w1") && $0.contains("\u{1B}[31mregressed\u{1B}[0m") })
  }

  @Test func aThresholdOfTheUserDecides() throws {
    let slower = Self.ten.map { 0.97 * $0 }
    func verdicts(_ thresholds: [String]) throws -> [Verdict] {
      try ComparedRuns(
        Self.run("a", [Self.ten]), Self.run("b", [slower]), allowsMismatch: false,
        thresholds: try Threshold.parse(thresholds)
      ).document.primaries.map(\.verdict)
    }
    #expect(try verdicts([]) == [.noChangeFound])
    #expect(try verdicts(["throughput.ops=2%"]) == [.regressed])
    #expect(try verdicts(["throughput.ops=2%,100"]) == [.noChangeFound])
  }

  @Test func aWorkloadsOwnFloorDecides() throws {
    var a = Self.run("a", [Self.ten])
    a.cells[0].floors = ["throughput.ops": FloorOverride(relative: 0.02)]
    let runs = try ComparedRuns(a, Self.run("b", [Self.ten.map { 0.97 * $0 }]), allowsMismatch: false)
    #expect(runs.document.primaries.map(\.verdict) == [.regressed])
  }

  @Test func machineFormHoldsBothRunsAndEveryComparison() throws {
    let json = try ComparedRuns(
      Self.run("a", [Self.ten]), Self.run("b", [Self.half]), allowsMismatch: false
    ).json
    let object = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    #expect(object["schema"] as? Int == 1)
    #expect((object["a"] as? [String: Any])?["id"] as? String == "a")
    #expect(object["calibrated"] as? Bool == false)
    #expect((object["comparisons"] as? [[String: Any]])?.map { $0["verdict"] as? String } == ["regressed"])
    #expect((object["summary"] as? [String: Any])?["verdicts"] as? [String: Int] == ["regressed": 1])
  }
}
