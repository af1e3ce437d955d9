import Machine
import MachineLauncher
import Measurement
import Testing

extension RealGuests {
  @Suite("ways out of the guest")
  struct WayOutTests {
    private func run(_ way: String, _ level: String = "ring3", choices: [String: String] = [:]) throws -> RunnerReport {
      var specification = MachineSpecification()
      specification.kernel = "exits"
      specification.parameters = [("way", way), ("level", level)]
      specification.choices = choices
      specification.warmupNanoseconds = 10_000_000
      specification.windowNanoseconds = 100_000_000
      return try GuestRun.run(specification)
    }

    /// Ways to the runner, with the place where they come out and the bytes of one operation.
    static let toTheRunner: [(way: String, detail: String, bytes: UInt64)] = [
      ("pio-out", "io:0x5070:out", 4), ("pio-in", "io:0x5070:in", 4), ("mmio-write", "mmio:0xfeb02000:out", 4),
      ("mmio-read", "mmio:0xfeb02000:in", 4), ("string-out", "io:0x5070:out", 16), ("string-in", "io:0x5070:in", 16),
      ("sector-in", "io:0x5070:in", 512),
    ]

    @Test(arguments: toTheRunner, ["ring3", "ring0"])
    func everyOperationComesOutOnce(_ row: (way: String, detail: String, bytes: UInt64), level: String) throws {
      let report = try run(row.way, level)
      #expect(report.status == .ok, "\(report.reason ?? "")")
      let operations = UInt64(try #require(report.metrics["window.ops"]))
      #expect(operations > 10)
      #expect(report.exits.byDetail[row.detail]?.bytes == row.bytes * operations)
      #expect(report.exits.byDetail[row.detail]?.exits == report.exits.userspace)
    }

    /// Ways that every host has and that end in the kernel, or nowhere.
    static let toTheKernel = [
      "empty", "pit-out", "pit-in", "pic-in", "event-pio", "event-mmio",
    ]

    @Test(arguments: toTheKernel, ["ring3", "ring0"])
    func theRunnerSeesNothingOfWhatTheKernelAnswers(way: String, level: String) throws {
      let report = try run(way, level)
      #expect(report.status == .ok, "\(report.reason ?? "")")
      #expect(try #require(report.metrics["window.ops"]) > 10)
      #expect(report.exits.userspace == 0)
      #expect(try #require(report.metrics["latency.min"]) <= #require(report.metrics["latency.p50"]))
      #expect(try #require(report.metrics["cycles.p50"]) > 0)
    }

    @Test(arguments: ["rdmsr", "wrmsr"])
    func registersOfTheProcessorStayInTheKernel(way: String) throws {
      let report = try run(way, "ring0")
      #expect(report.status == .ok, "\(report.reason ?? "")")
      #expect(report.exits.userspace == 0)
    }

    /// Of some processors KVM hears nothing: they have a local APIC for their guests.
    @Test(arguments: [
      ("lapic-read", "ring3"), ("lapic-read", "ring0"), ("lapic-write", "ring3"), ("lapic-write", "ring0"),
      ("x2apic-read", "ring0"), ("x2apic-write", "ring0"), ("cpuid", "ring3"), ("cpuid", "ring0"),
    ])
    func whatTheProcessorMayAnswerIsRight(way: String, level: String) throws {
      let report = try run(way, level)
      #expect(
        report.status == .ok || report.reason == "'\(way)' does not reach KVM on this host: the processor answers")
      #expect(report.exits.userspace == 0)
    }

    @Test(arguments: [("rdmsr-user", "rdmsr:0x1a0"), ("wrmsr-user", "wrmsr:0x1a0")])
    func aFilteredRegisterIsTheRunners(way: String, detail: String) throws {
      let report = try run(way, "ring0")
      #expect(report.status == .ok, "\(report.reason ?? "")")
      let operations = UInt64(try #require(report.metrics["window.ops"]))
      #expect(report.exits.byDetail[detail]?.exits == operations)
    }

    @Test(arguments: ["coalesced-pio", "coalesced-mmio"], ["ring3", "ring0"])
    func onlyAFullRingComesToTheRunner(way: String, level: String) throws {
      let report = try run(way, level)
      #expect(report.status == .ok, "\(report.reason ?? "")")
      // 169 gathered, and the one that finds the ring full.
      let exits = try #require(report.metrics["window.ops"]) / 170
      #expect(abs(Double(report.exits.userspace) - exits) <= 1)
    }

    /// A host whose ring 0 is interpreted may lack hypercalls: then the guest must not have tried.
    @Test(arguments: ["call-unknown", "call-ipi", "call-kick", "call-yield"])
    func aHypercallIsAnsweredOrNotTried(way: String) throws {
      let report = try run(way, "ring0", choices: ["cpuid": "kvm"])
      #expect(report.status == .ok || report.reason == "hypercalls do not reach KVM on this host")
    }

    @Test func ring3CannotTakeAWayOfRing0() throws {
      let report = try run("wrmsr")
      #expect(report.status == .failed)
      #expect(report.reason == "wrmsr: only ring 0 can leave so")
    }

    @Test func aWayThatTheGuestDoesNotKnowIsAFailure() throws {
      let report = try run("teleport")
      #expect(report.status == .failed)
      #expect(report.reason == "way: the guest knows no such way out")
    }

    @Test func withoutAControllerInTheKernelTheWayIsAnother() throws {
      let report = try run("pic-in", choices: ["irqchip": "split"])
      #expect(report.status == .failed)
      #expect(report.reason == "pic-in: wrong answer 0xff")
    }
  }
}
