import Machine
import MachineLauncher
import Measurement
import Testing

extension RealGuests {
  @Suite("interrupts whose coming is stamped")
  struct ArrivalTests {
    struct Job: Sendable, CustomTestStringConvertible {
      var kernel = "sendipi"
      var vcpus = 2
      var target: String
      var ipi = "xapic"
      var irqchip = "kernel"
      var isBeside = false

      var testDescription: String { "\(kernel) \(vcpus) \(target) \(ipi) \(irqchip) \(isBeside)" }

      func run() throws -> RunnerReport {
        var specification = MachineSpecification()
        specification.kernel = kernel
        specification.vcpus = vcpus
        specification.choices = ["irqchip": irqchip, "cpuid": "kvm", "ipi": ipi]
        specification.parameters = [("target", target)]
        specification.vcpuCPUs = isBeside ? [0] : []
        specification.warmupNanoseconds = 10_000_000
        specification.windowNanoseconds = 200_000_000
        return try GuestRun.run(specification)
      }
    }

    static let jobs = [
      Job(target: "running"), Job(target: "halted"), Job(vcpus: 4, target: "halted"),
      Job(target: "running", ipi: "x2apic"), Job(target: "halted", ipi: "x2apic"),
      Job(vcpus: 4, target: "halted", ipi: "x2apic"), Job(target: "halted", isBeside: true),
      Job(kernel: "irqfd", target: "running"), Job(kernel: "irqfd", target: "halted"),
      Job(kernel: "irqfd", target: "halted", irqchip: "split"), Job(kernel: "irqfd", target: "halted", isBeside: true),
    ]

    @Test(arguments: jobs) func everyOneIsHandledOnceByEachTarget(_ job: Job) throws {
      let report = try job.run()
      #expect(report.status == .ok, "\(report.reason ?? "")")
      let operations = try #require(report.metrics["window.ops"])
      let sent = try #require(report.metrics["ipi.sent"])
      #expect(sent > operations * Double(job.vcpus - 1))
      #expect(report.metrics["ipi.handled"] == sent)
      #expect(report.histograms["latency"] != nil)
    }

    @Test(arguments: [Job(target: "running", ipi: "hypercall"), Job(vcpus: 4, target: "halted", ipi: "hypercall")])
    func hypercallsAreUsedOrSkippedWithTheirReason(_ job: Job) throws {
      let report = try job.run()
      let ends: [RepetitionStatus: String?] = [.ok: nil, .skipped: "hypercalls do not reach KVM on this host"]
      #expect(ends[report.status] == .some(report.reason))
      #expect(report.metrics["ipi.handled"] == report.metrics["ipi.sent"])
    }

    @Test func theRelayCostsNoUserspaceExits() throws {
      #expect(try #require(try Job(kernel: "irqfd", target: "halted").run().metrics["exits.per_op"]) <= 0.1)
    }

    @Test func nobodyIsInterruptedWhereThereIsNoOther() throws {
      let report = try Job(vcpus: 1, target: "halted").run()
      #expect(report.status == .failed)
      #expect(report.reason == "vcpus: expected 2 to 16")
    }
  }
}
