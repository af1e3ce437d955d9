import Machine
import MachineLauncher
import Measurement
import Testing

extension RealGuests {
  @Suite("exits of real guests")
  struct ExitTests {
    private let image: SeededImage

    init() throws { image = try SeededImage() }

    static let ideReads = [
      DiskJob(disk: "ide-pio"), DiskJob(disk: "ide-pio", completion: "polled"),
      DiskJob(disk: "ide-pio", block: 131_072), DiskJob(disk: "ide-pio", block: 131_072, completion: "polled"),
    ]

    @Test(arguments: ideReads)
    func everyByteOfAnIDEReadCrossesTheDataPort(_ job: DiskJob) throws {
      let report = try GuestRun.run(job.specification(on: image))
      let operations = try #require(report.metrics["window.ops"])
      let tally = try #require(report.exits.byDetail["io:0x1f0:in"])
      #expect(tally.bytes == UInt64(operations) * job.block)
      #expect(tally.elements >= tally.exits)
    }

    @Test func everyByteOfAnIDEWriteCrossesTheDataPort() throws {
      let job = DiskJob(disk: "ide-pio", operation: "write")
      let report = try GuestRun.run(job.specification(on: image))
      let operations = try #require(report.metrics["window.ops"])
      #expect(report.exits.byDetail["io:0x1f0:out"]?.bytes == UInt64(operations) * job.block)
    }

    @Test func aPolledReadOverVirtioMMIOHardlyExits() throws {
      let report = try GuestRun.run(DiskJob(transport: "mmio", completion: "polled").specification(on: image))
      #expect(try #require(report.metrics["exits.per_op"]) <= 0.1)
    }

    @Test(arguments: [UInt64(4096), 131_072])
    func anIDETransferByDMACostsTheSameWhateverItsSize(block: UInt64) throws {
      let report = try GuestRun.run(DiskJob(disk: "ide-dma", block: block).specification(on: image))
      #expect(report.metrics["exits.per_op"] == 12)
      #expect(report.exits.byDetail["io:0x1f0:in"] == nil)
    }

    @Test(arguments: ["interrupt", "polled"])
    func virtioOverPCIHardlyExits(completion: String) throws {
      let report = try GuestRun.run(DiskJob(completion: completion).specification(on: image))
      #expect(try #require(report.metrics["exits.per_op"]) <= 0.1)
    }

    @Test func anInterruptOfVirtioMMIOCostsTwoExits() throws {
      let report = try GuestRun.run(DiskJob(transport: "mmio").specification(on: image))
      #expect(try #require(report.metrics["exits.per_op"]) <= 2.1)
    }

    @Test func theDoorbellDoesNotExit() throws {
      let report = try GuestRun.run(DiskJob(transport: "mmio", depth: 32).specification(on: image))
      #expect(report.status == .ok)
      #expect(report.exits.byDetail["mmio:0xfeb00050:out"] == nil)
    }

    @Test(
      .enabled(if: Host.exitEvent != nil, "kvm:kvm_userspace_exit cannot be counted here"),
      arguments: [
        DiskJob(), DiskJob(transport: "mmio"), DiskJob(disk: "ide-pio"), DiskJob(depth: 32, completion: "polled"),
      ])
    func theKernelCountsTheSameExits(_ job: DiskJob) throws {
      var specification = job.specification(on: image)
      specification.userspaceExitEvent = Host.exitEvent
      let report = try GuestRun.run(specification)
      let seen = try #require(report.metrics["exits.loop_total"])
      #expect(seen > 0)
      #expect(report.metrics["exits.kernel_total"] == seen)
    }

    @Test func detailsAddUpToReasonsAndReasonsToTheTotal() throws {
      let exits = try GuestRun.run(DiskJob(disk: "ide-pio").specification(on: image)).exits
      #expect(exits.userspace > 0)
      #expect(exits.byReason.values.reduce(0, +) == exits.total)
      #expect(exits.byDetail.values.reduce(0) { $0 + $1.exits } == exits.total)
      #expect(exits.latency.mapValues(\.count) == exits.byReason)
    }

    /// The choice of CPUID leaves, and what the guest finds.
    static let leaves: [(choice: String, line: String)] = [
      ("hidden", "cpuid: no hypervisor"), ("kvm", "cpuid: hypervisor KVMKVMKVM"),
    ]

    @Test(arguments: leaves)
    func theHypervisorShowsByChoice(choice: String, line: String) throws {
      var specification = DiskJob().specification(on: image)
      specification.choices["cpuid"] = choice
      let report = try GuestRun.run(specification)
      #expect(report.log.filter { $0.hasPrefix("cpuid: ") } == [line])
    }
  }
}
