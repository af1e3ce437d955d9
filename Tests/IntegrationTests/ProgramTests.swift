import Foundation
import Measurement
import Testing

extension RealGuests {
  /// `pvbench` as its users run it, from the command line to the files of a run.
  @Suite("pvbench run", .serialized) struct ProgramTests {
    private static let program = "\(TemporaryFolder.programFolder)/pvbench"

    /// A short run of two workloads, made once for all tests.
    private static let run: Result<(folder: String, record: RunRecord), any Error> = Result {
      // In the build folder, made anew each time and left to be looked at.
      let folder = "\(TemporaryFolder.programFolder)/pvbench-test-runs"
      try? FileManager.default.removeItem(atPath: folder)
      let arguments = [
        program, "run", "--workload", "disk.randread.4k.qd1", "--workload", "disk.randread.4k.qd32", "--workload",
        "disk.randread.4k.qd1.polled", "--quick", "--no-progress", "--out", folder, "--tolerate",
        "load,stopped,steal,throttling,frequency,clock,clocksource",  // other tests run beside this one
      ]
      let result = try Child.run(arguments)
      try #require(result.status == 0, "\(result.errors)")
      let name = try #require(try FileManager.default.contentsOfDirectory(atPath: folder).first)
      let bytes = TemporaryFolder.contents(of: "\(folder)/\(name)/run.json")
      return ("\(folder)/\(name)", try JSONDecoder().decode(RunRecord.self, from: Data(bytes)))
    }

    @Test func everyCellIsOkOrSkippedWithItsReason() throws {
      let record = try Self.run.get().record
      #expect(record.status == .complete)
      let repetitions = record.cells.flatMap { cell in cell.repetitions.map { (cell, $0) } }
      #expect(repetitions.count == 36)
      #expect(repetitions.filter { $0.1.status == .skipped }.allSatisfy { $0.1.reason?.isEmpty == false })
      #expect(
        repetitions.filter { $0.1.status != .ok }.allSatisfy {
          $0.0.mode == "full" && $0.0.workload == "disk.randread.4k.qd32" && $0.1.status == .skipped
        })
    }

    @Test func loopAndKernelCountTheSameExits() throws {
      try #require(Host.exitEvent != nil)
      for repetition in try Self.okRepetitions() {
        #expect(repetition.metrics["exits.loop_total"] == repetition.metrics["exits.kernel_total"])
        #expect(repetition.metrics["exits.kernel_total"] != nil)
      }
    }

    @Test func dataPortMovesExactlyTheBlocksThatWereRead() throws {
      for repetition in try Self.okRepetitions(mode: "full", workload: "disk.randread.4k.qd1") {
        let bytes = try #require(repetition.exits.byDetail["io:0x1f0:in"]?.bytes)
        #expect(Double(bytes) == repetition.metrics["window.ops"].map { $0 * 4096 })
      }
    }

    @Test func paravirtualReadsHardlyExit() throws {
      for repetition in try Self.okRepetitions(mode: "paravirt", workload: "disk.randread.4k.qd1.polled") {
        #expect(try #require(repetition.metrics["exits.per_op"]) <= 0.1)
      }
      for repetition in try Self.okRepetitions(mode: "paravirt", workload: "disk.randread.4k.qd1") {
        #expect(try #require(repetition.metrics["exits.per_op"]) <= 2.1)
      }
    }

    @Test func ratioIsTheSameInJSONCSVAndReport() throws {
      let (folder, record) = try Self.run.get()
      let comparison = try #require(
        record.comparisons.first { $0.workload == "disk.randread.4k.qd1" && $0.metric == "throughput.ops" })
      let ratios = try [comparison.ratio, comparison.ratioLow, comparison.ratioHigh].map { try #require($0) }
      let summary = Self.text("\(folder)/summary.csv")
      let row = try #require(
        summary.split(separator: "\r\n").first {
          $0.contains(",disk.randread.4k.qd1,full:paravirt,throughput.ops,")
        })
      let fields = row.split(separator: ",", omittingEmptySubsequences: false).compactMap { Double($0) }
      #expect(Set(ratios).isSubset(of: fields))
      let report = Self.text("\(folder)/report.html")
      #expect(report.contains("data-ratio=\"\(ratios[0])\""))
      #expect(report.contains("data-ratio-low=\"\(ratios[1])\""))
      #expect(report.contains("data-ratio-high=\"\(ratios[2])\""))
    }

    @Test func nothingButResultsStaysBehind() throws {
      let folder = try Self.run.get().folder
      let files = Set(try FileManager.default.contentsOfDirectory(atPath: folder))
      let results: Set = ["run.json", "samples.csv", "exits.csv", "summary.csv", "report.html", "guest-logs"]
      #expect(files.isSuperset(of: results))
      #expect(!files.contains("disk.img"))
      #expect(files.allSatisfy { !$0.contains("tmp") })
    }

    @Test func aReportThatCannotBeWrittenIsNotSaidToBeThere() throws {
      let folder = try TemporaryFolder()
      let run = folder.path + "/run"
      try FileManager.default.copyItem(atPath: try Self.run.get().folder, toPath: run)
      let report = run + "/report.html"
      try FileManager.default.removeItem(atPath: report)
      try FileManager.default.createDirectory(atPath: report + "/in-the-way", withIntermediateDirectories: true)
      let result = try Child.run([Self.program, "run", "--resume", run, "--no-progress"])
      #expect(result.status == 1)
      #expect(result.output.hasSuffix("run complete; no report\n"))
      #expect(result.errors.contains("cannot write \(report): "))
    }

    @Test func unknownSuiteIsAUsageErrorWithTheNearestName() throws {
      let result = try Child.run([Self.program, "run", "--suite", "dsik"])
      #expect(result.status == 64)
      #expect(result.errors == "pvbench: unknown suite 'dsik' (did you mean 'disk'?)\n")
    }

    private static func okRepetitions(mode: String? = nil, workload: String? = nil) throws -> [RepetitionRecord] {
      let repetitions = try run.get().record.cells.filter {
        (mode == nil || $0.mode == mode) && (workload == nil || $0.workload == workload)
      }.flatMap(\.repetitions).filter { $0.status == .ok }
      return try #require(repetitions.isEmpty ? nil : repetitions)
    }

    private static func text(_ path: String) -> String {
      String(decoding: TemporaryFolder.contents(of: path), as: UTF8.self)
    }
  }
}
