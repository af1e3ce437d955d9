import Machine
import MachineLauncher
import Measurement
import Testing

/// A row of the suite cpu, run for a short time by either runner.
struct ComputeJob: Sendable, CustomTestStringConvertible {
  var kernel: String
  var parameters: [String: String] = [:]
  var vcpus = 1
  var runner = GuestRunner.builtin

  var testDescription: String { "\(kernel) \(parameters) \(vcpus) \(runner)" }

  /// A process of its own: a program that is run natively takes a process's signals.
  func run() throws -> RunnerReport {
    var specification = MachineSpecification()
    specification.kernel = kernel
    specification.vcpus = vcpus
    specification.runner = runner
    specification.parameters = parameters.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    specification.warmupNanoseconds = 1_000_000
    specification.windowNanoseconds = 20_000_000
    let result = try RunnerProgram.run(specification.arguments)
    #expect(result.errors == "")
    return RunnerReport(parsing: result.output)
  }

  static let kernels = [
    ComputeJob(kernel: "integer"), ComputeJob(kernel: "nbody"),
    ComputeJob(kernel: "matmul", parameters: ["vectors": "sse2"]),
    ComputeJob(kernel: "branch", parameters: ["pattern": "random"]),
    ComputeJob(kernel: "branch", parameters: ["pattern": "steady"]),
    ComputeJob(kernel: "cache", parameters: ["size": "16384"]), ComputeJob(kernel: "integer", vcpus: 4),
  ]
  /// What takes instructions that not every processor has.
  static let extended = [
    ComputeJob(kernel: "matmul", parameters: ["vectors": "avx2"]), ComputeJob(kernel: "sha256"),
    ComputeJob(kernel: "aes"), ComputeJob(kernel: "aes", vcpus: 4),
  ]
  static func bare(_ jobs: [ComputeJob]) -> [ComputeJob] {
    jobs.map {
      var job = $0
      job.runner = .bare
      return job
    }
  }
}

extension RealGuests {
  @Suite("computations on real guests and on the host")
  struct ComputeTests {
    @Test(arguments: ComputeJob.kernels + ComputeJob.bare(ComputeJob.kernels))
    func everyAnswerIsRight(_ job: ComputeJob) throws {
      let report = try job.run()
      #expect(report.status == .ok, "\(report.reason ?? "")")
      #expect(try #require(report.metrics["window.ops"]) >= Double(job.vcpus))
      #expect(report.histograms["latency"] != nil)
    }

    @Test(arguments: ComputeJob.extended + ComputeJob.bare(ComputeJob.extended))
    func vectorInstructionsAreRightOrAbsent(_ job: ComputeJob) throws {
      let report = try job.run()
      let reasons = [
        nil, "the guest's CPUID shows no AVX2 with FMA", "the guest's CPUID shows no SHA instructions",
        "the guest's CPUID shows no AES instructions", "the guest's XCR0 does not allow AVX",
      ]
      #expect(reasons.contains(report.reason))
    }

    @Test func theSameObjectCodeRunsInRing0() throws {
      let report = try ComputeJob(kernel: "integer", parameters: ["level": "ring0"]).run()
      #expect(report.status == .ok, "\(report.reason ?? "")")
      #expect(try #require(report.metrics["window.ops"]) >= 1)
    }

    @Test(arguments: [1, 4]) func anotherImplementationComputesTheSame(vcpus: Int) throws {
      let answer = "\(IntegerReference.answer())"
      let report = try ComputeJob(kernel: "integer", parameters: ["answer": answer], vcpus: vcpus).run()
      #expect(report.status == .ok, "\(report.reason ?? "")")
    }

    @Test(arguments: ComputeJob.kernels + ComputeJob.bare(ComputeJob.kernels))
    func aWrongAnswerFailsTheRepetition(_ job: ComputeJob) throws {
      var job = job
      job.parameters["answer"] = "5"
      let report = try job.run()
      #expect(report.status == .failed)
      #expect(report.reason?.hasPrefix("wrong answer: expected 0x5, computed 0x") == true, "\(report.reason ?? "")")
    }

    @Test func aSizeBeyondTheCachesFails() throws {
      let report = try ComputeJob(kernel: "cache", parameters: ["size": "2097152"]).run()
      #expect(report.reason == "size: expected 4 KiB to 1 MiB")
    }
  }

  @Suite("a guest's program as a process")
  struct BareTests {
    private static func job(_ kernel: String, _ parameters: [String: String]) -> ComputeJob {
      ComputeJob(kernel: kernel, parameters: parameters, runner: .bare)
    }

    @Test func thereAreNoExitsNotNone() throws {
      let report = try Self.job("nbody", [:]).run()
      #expect(report.metrics["exits.per_op"] == nil)
      #expect(report.metrics["exits.loop_total"] == nil)
      #expect(try #require(report.metrics["host.cpu_seconds"]) > 0)
    }

    @Test(arguments: [("panic", 6), ("triplefault", 3)])
    func whatNobodyCanAnswerIsAPanic(how: String, exception: Int) throws {
      let report = try Self.job("misbehave", ["how": how]).run()
      #expect(report.status == .failed)
      #expect(report.reason?.hasPrefix("the guest panicked: exception \(exception),") == true, "\(report.reason ?? "")")
    }

    @Test(arguments: ["nonsense", "lie"]) func aRingOfNonsenseFails(how: String) throws {
      let report = try Self.job("misbehave", ["how": how]).run()
      #expect(report.status == .failed)
      #expect(report.reason?.hasPrefix("the guest's result ring is nonsense") == true, "\(report.reason ?? "")")
    }

    @Test func aProgramThatHangsIsOutOfTime() throws {
      let result = try RunnerProgram.run([
        "runner=bare", "kernel=misbehave", "parameter:how=hang", "timeout-ns=300000000",
      ])
      #expect(result.status == 0)
      #expect(RunnerReport(parsing: result.output).reason?.hasPrefix("the guest did not finish within 0.3 s") == true)
    }

    @Test func ring0DoesNotExistInAProcess() throws {
      let report = try Self.job("integer", ["level": "ring0"]).run()
      #expect(report.reason?.hasPrefix("the guest panicked: exception 3,") == true, "\(report.reason ?? "")")
    }
  }
}
