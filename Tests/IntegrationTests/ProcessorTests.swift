import Machine
import MachineLauncher
import Measurement
import Testing

extension RealGuests {
  @Suite("several vCPUs")
  struct ProcessorTests {
    private func specification(vcpus: Int, ipi: String, wait: String) -> MachineSpecification {
      var specification = MachineSpecification()
      specification.vcpus = vcpus
      specification.kernel = "ipi"
      specification.choices = ["cpuid": "kvm", "ipi": ipi]
      specification.parameters = [("wait", wait)]
      specification.warmupNanoseconds = 10_000_000
      specification.windowNanoseconds = 300_000_000
      specification.userspaceExitEvent = Host.exitEvent
      return specification
    }

    static let rings: [(vcpus: Int, ipi: String, wait: String)] = [
      (2, "xapic", "halt"), (2, "xapic", "spin"), (2, "x2apic", "halt"), (2, "x2apic", "spin"), (4, "xapic", "halt"),
      (4, "x2apic", "halt"), (16, "xapic", "halt"),
    ]

    @Test(arguments: rings)
    func everyInterruptSentIsHandled(vcpus: Int, ipi: String, wait: String) throws {
      let report = try GuestRun.run(specification(vcpus: vcpus, ipi: ipi, wait: wait))
      #expect(report.status == .ok, "\(report.reason ?? "")")
      let operations = try #require(report.metrics["window.ops"])
      let sent = try #require(report.metrics["ipi.sent"])
      #expect(sent >= operations * Double(vcpus))
      #expect(report.metrics["ipi.handled"] == sent)
    }

    @Test(arguments: ["lapic", "tsc-deadline"])
    func everyTimerOfEveryVCPUIsHandled(timer: String) throws {
      var job = specification(vcpus: 4, ipi: "xapic", wait: "halt")
      job.kernel = "timer"
      job.choices = ["timer": timer]
      job.parameters = [("period", "100000")]
      let report = try GuestRun.run(job)
      #expect(report.status == .ok, "\(report.reason ?? "")")
      let armed = try #require(report.metrics["timer.armed"])
      #expect(armed > 2 * (try #require(report.metrics["window.ops"])))
      #expect(report.metrics["timer.handled"] == armed)
    }

    @Test func onePITIsNotOneForEachVCPU() throws {
      var job = specification(vcpus: 2, ipi: "xapic", wait: "halt")
      job.kernel = "timer"
      job.choices = ["timer": "pit"]
      job.parameters = [("period", "1000000")]
      #expect(try GuestRun.run(job).status == .skipped)
    }

    @Test func exitsOfAllVCPUsAreCounted() throws {
      let report = try GuestRun.run(specification(vcpus: 4, ipi: "xapic", wait: "halt"))
      #expect(
        report.metrics["exits.kernel_total"] == Host.exitEvent.flatMap { _ in report.metrics["exits.loop_total"] })
    }

    @Test func hypercallsAreUsedOrSkippedWithTheirReason() throws {
      let report = try GuestRun.run(specification(vcpus: 2, ipi: "hypercall", wait: "halt"))
      let ends: [RepetitionStatus: String?] = [.ok: nil, .skipped: "hypercalls do not reach KVM on this host"]
      #expect(ends[report.status] == .some(report.reason))
      #expect(report.metrics["ipi.handled"] == report.metrics["ipi.sent"])
    }

    @Test func everyTurnAtTheLockIsCounted() throws {
      var job = specification(vcpus: 4, ipi: "xapic", wait: "halt")
      job.kernel = "lock"
      job.choices = ["lock": "spin"]
      let report = try GuestRun.run(job)
      #expect(report.status == .ok, "\(report.reason ?? "")")
      #expect(try #require(report.metrics["lock.turns"]) > 100)
    }

    @Test(arguments: [
      ("lock", "kick", "hypercalls do not reach KVM on this host"),
      ("eoi", "pv", "KVM never sets its end-of-interrupt flag on this host"),
    ]) func whatAHostCannotOfferIsSkippedWithItsReason(kernel: String, value: String, reason: String) throws {
      var job = specification(vcpus: 2, ipi: "xapic", wait: "halt")
      job.kernel = kernel
      job.choices = [kernel: value, "cpuid": "kvm"]
      let report = try GuestRun.run(job)
      let ends: [RepetitionStatus: String?] = [.ok: nil, .skipped: reason]
      #expect(ends[report.status] == .some(report.reason))
    }

    @Test func anInterruptToOneselfEndsByTheAPIC() throws {
      var job = specification(vcpus: 1, ipi: "xapic", wait: "halt")
      job.kernel = "eoi"
      job.choices = ["eoi": "apic"]
      let report = try GuestRun.run(job)
      #expect(report.status == .ok, "\(report.reason ?? "")")
      #expect(report.metrics["eoi.saved"] == 0)
    }

    @Test func aDiskGuestLeavesTheOthersParked() throws {
      let image = try SeededImage()
      var specification = DiskJob(depth: 32).specification(on: image)
      specification.vcpus = 4
      let report = try GuestRun.run(specification)
      #expect(report.status == .ok, "\(report.reason ?? "")")
      #expect(try #require(report.metrics["exits.per_op"]) <= 0.1)
    }

    @Test func aProcessorThatIsMissingIsNamed() throws {
      var job = specification(vcpus: 2, ipi: "xapic", wait: "halt")
      job.parameters.append(("vcpus", "3"))
      let report = try GuestRun.run(job)
      #expect(report.status == .failed)
      #expect(report.reason == "processors are missing: parked 1")
    }
  }
}
