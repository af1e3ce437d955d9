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
        "a and b are of different hosts (CPU of f, CPU of g); --allow-mismatch compares them all the same")
    ) { try ComparedRuns(a, b, allowsMismatch: false) }
    let text = try ComparedRuns(a, b, allowsMismatch: true).text
    #expect(text.contains("   fingerprint: f in A, g in B\n"))
  }

  @Test func anotherKernelIsSaidAndCompared() throws {
    let text = try ComparedRuns(
      Self.run("a", [Self.ten]), Self.run("b", [Self.ten], kernel: "6.6"), allowsMismatch: false
    ).text
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

  @Test func textHoldsALineACellAndTheAgreement() throws {
    let text = try ComparedRuns(
      Self.run("a", [Self.ten, Self.ten]), Self.run("b", [Self.ten, Self.half]), allowsMismatch: false
    ).text
    let lines = text.split(separator: "\n").map(String.init)
    #expect(lines.count { $0.hasPrefix("cpu.w") } == 2)
    #expect(lines.contains { $0.hasPrefix("cpu.w1") && $0.hasSuffix("regressed") && $0.contains("  0.5×  ") })
    #expect(lines.contains("2 primary metrics: 1 regressed, 1 no change found"))
    #expect(
      lines.contains { $0.hasPrefix("the interval of the ratio holds 1 for 1 of 2 (50.0 %); median half-width ") })
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
