import MachineLauncher
import Measurement
import Testing

extension RealGuests {
  @Suite("memory on real guests and on the host")
  struct MemoryTests {
    private static let megabyte = 1 << 20

    static let kernels = [
      ComputeJob(kernel: "stream", parameters: ["operation": "copy", "size": "16384"]),
      ComputeJob(kernel: "stream", parameters: ["operation": "scale", "size": "262144"]),
      ComputeJob(kernel: "stream", parameters: ["operation": "add", "size": "4194304"]),
      ComputeJob(kernel: "stream", parameters: ["operation": "triad", "size": "4194304"], vcpus: 2),
      ComputeJob(kernel: "chase", parameters: ["size": "8192"]),
      ComputeJob(kernel: "chase", parameters: ["size": "\(8 * megabyte)"], vcpus: 2),
      ComputeJob(kernel: "mix", parameters: ["access": "random", "readpercent": "70", "size": "\(megabyte)"]),
      ComputeJob(kernel: "mix", parameters: ["access": "sequential", "readpercent": "0", "size": "\(megabyte)"]),
      ComputeJob(kernel: "touch"),
      ComputeJob(kernel: "dirty", parameters: ["rate": "50000", "size": "\(megabyte)"]),
      ComputeJob(kernel: "dirty", parameters: ["rate": "0", "size": "\(megabyte)"]),
    ]
    /// What takes a machine of its own.
    static let privileged = [
      ComputeJob(kernel: "pagetable", parameters: ["size": "65536"]), ComputeJob(kernel: "shootdown", vcpus: 2),
      ComputeJob(kernel: "shootdown", vcpus: 4),
    ]

    @Test(arguments: kernels + ComputeJob.bare(kernels) + privileged)
    func whatIsReadIsWhatWasWritten(_ job: ComputeJob) throws {
      let report = try job.run()
      #expect(report.status == .ok, "\(report.reason ?? "")")
      #expect(try #require(report.metrics["window.ops"]) >= 1)
      #expect(report.histograms["latency"] != nil)
    }

    @Test(arguments: kernels + ComputeJob.bare(kernels) + privileged)
    func aWrongWordFailsTheRepetition(_ job: ComputeJob) throws {
      var job = job
      job.parameters["answer"] = "5"
      let report = try job.run()
      #expect(report.status == .failed)
      let reasons = [
        "wrong answer: expected 0x5", "a page that nobody has touched is not empty",
        "a page does not hold what was written to it", "a page was not where the page table has it",
        "a vCPU still sees a page that was replaced",
      ]
      #expect(reasons.contains { report.reason?.hasPrefix($0) == true }, "\(report.reason ?? "")")
    }

    @Test func everyPageThatIsWrittenToIsCounted() throws {
      let report = try ComputeJob(kernel: "dirty", parameters: ["rate": "0", "size": "65536"]).run()
      #expect(report.metrics["memory.dirtied"] == 16)
    }

    @Test func aFirstTouchTakesMemoryOfTheHost() throws {
      let report = try ComputeJob(kernel: "touch").run()
      let touched = try #require(report.metrics["window.ops"]) * 4096
      #expect(try #require(report.metrics["memory.guest_touched"]) >= touched)
    }

    @Test func aWorkingSetBeyondTheRAMFails() throws {
      let report = try ComputeJob(kernel: "chase", parameters: ["size": "\(128 * Self.megabyte)"]).run()
      #expect(report.reason == "size: the machine's RAM is too small for it")
    }

    @Test(arguments: ["2m", "1g"]) func aProcessHasNoPagesOfAPool(pages: String) throws {
      let result = try RunnerProgram.run(["runner=bare", "kernel=touch", "choice:pages=\(pages)"])
      let report = RunnerReport(parsing: result.output)
      #expect(report.status == .skipped)
      #expect(report.reason?.hasPrefix("a program that runs natively has no hugetlb pages") == true)
    }
  }
}
