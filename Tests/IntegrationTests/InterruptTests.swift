import Machine
import MachineLauncher
import Measurement
import Testing

extension RealGuests {
  @Suite("interrupt controllers")
  struct InterruptTests {
    private let image: SeededImage

    init() throws { image = try SeededImage() }

    private func raise(_ trigger: String, _ irqchip: String) throws -> RunnerReport {
      var specification = MachineSpecification()
      specification.kernel = "interrupts"
      specification.choices["irqchip"] = irqchip
      specification.parameters = [("trigger", trigger), ("count", "20000")]
      specification.warmupNanoseconds = 1_000_000
      specification.windowNanoseconds = 1_000_000
      return try GuestRun.run(specification)
    }

    @Test(arguments: ["kernel", "split"]) func everyEdgeIsHandledOnce(_ irqchip: String) throws {
      let report = try raise("edge", irqchip)
      #expect(report.status == .ok, "\(report.reason ?? "")")
      #expect(try #require(report.metrics["interrupts.raised"]) > 20_000)
      #expect(report.metrics["interrupts.handled"] == report.metrics["interrupts.raised"])
      #expect(report.metrics["interrupts.spurious"] == 0)
    }

    @Test(arguments: ["kernel", "split"]) func everyLevelIsHandledOnce(_ irqchip: String) throws {
      let report = try raise("level", irqchip)
      #expect(report.status == .ok, "\(report.reason ?? "")")
      #expect(try #require(report.metrics["interrupts.raised"]) > 20_000)
      #expect(report.metrics["interrupts.handled"] == report.metrics["interrupts.raised"])
    }

    @Test func theEndOfALevelIsAnExitWhereTheIOAPICIsNotInTheKernel() throws {
      let split = try raise("level", "split")
      #expect(try #require(split.exits.byReason["ioapic_eoi"]) >= 20_000)
      #expect(try raise("edge", "split").exits.byReason["ioapic_eoi"] ?? 0 == 0)
    }

    static let disks = [
      DiskJob(), DiskJob(depth: 32), DiskJob(operation: "write"), DiskJob(transport: "mmio"),
      DiskJob(transport: "mmio", operation: "write", depth: 32), DiskJob(disk: "ide-pio", completion: "polled"),
      DiskJob(disk: "ide-dma", operation: "write", completion: "polled"),
    ]

    @Test(arguments: disks) func aDiskWorksWithASplitIRQChip(_ job: DiskJob) throws {
      var specification = job.specification(on: image)
      specification.choices["irqchip"] = "split"
      let report = try GuestRun.run(specification)
      #expect(report.status == .ok, "\(report.reason ?? "")")
      #expect(try #require(report.metrics["window.ops"]) >= Double(job.depth))
    }

    static let cards = [
      NetworkJob(card: "e1000"), NetworkJob(size: 1400, depth: 32, card: "e1000"),
      NetworkJob(completion: "polled", card: "e1000"), NetworkJob(), NetworkJob(transport: "pci"),
    ]

    @Test(arguments: cards) func aNetworkCardWorksWithASplitIRQChip(_ job: NetworkJob) throws {
      var specification = job.specification
      specification.choices["irqchip"] = "split"
      let measured = NetworkJob.Measured(report: try GuestRun.run(specification))
      #expect(measured.report.status == .ok, "\(measured.report.reason ?? "")")
      #expect(measured.damage == NetworkJob.Measured.noDamage)
    }

    @Test(arguments: ["lapic", "tsc-deadline"]) func timersWorkWithASplitIRQChip(_ timer: String) throws {
      var specification = MachineSpecification()
      specification.kernel = "timer"
      specification.choices = ["irqchip": "split", "timer": timer]
      specification.parameters = [("period", "100000")]
      specification.warmupNanoseconds = 1_000_000
      specification.windowNanoseconds = 100_000_000
      let report = try GuestRun.run(specification)
      #expect(report.status == .ok, "\(report.reason ?? "")")
      #expect(report.metrics["timer.handled"] == report.metrics["timer.armed"])
    }

    @Test func aPITNeedsItsControllersInTheKernel() {
      var specification = MachineSpecification()
      specification.kernel = "timer"
      specification.choices = ["irqchip": "split", "timer": "pit"]
      #expect(throws: MachineError.self) { try GuestRun.run(specification) }
    }
  }
}
