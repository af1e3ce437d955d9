import Machine
import MachineLauncher
import Measurement
import PVWire
import Testing

extension MachineSpecification {
  /// The same machine under QEMU.
  fileprivate func under(_ runner: GuestRunner, _ program: String = Host.qemuProgram) -> MachineSpecification {
    var specification = self
    specification.runner = runner
    specification.qemu = program
    return specification
  }
}

extension RealGuests {
  /// The same guest on devices that are not ours: what its drivers do with them, and what our devices do with its drivers,
  /// means the same as everybody's.
  @Suite("the same guest under QEMU", .enabled(if: Host.hasQEMU, "no QEMU: no guest was run under it"))
  struct QEMUTests {
    static let writes = [
      DiskJob(disk: "ide-pio", operation: "mixed", block: 512), DiskJob(disk: "ide-dma", operation: "mixed"),
      DiskJob(disk: "ide-dma", operation: "flush", block: 131_072, completion: "polled"),
      DiskJob(operation: "mixed", depth: 32), DiskJob(operation: "flush"),
      DiskJob(transport: "mmio", operation: "mixed", block: 131_072, depth: 4),
    ]

    @Test(arguments: writes)
    func readsAreVerifiedAndAfterWritesTheImageIsWhatAReplaySays(_ job: DiskJob) throws {
      let image = try SeededImage()
      let report = try GuestRun.run(job.specification(on: image).under(.qemu))
      #expect(report.status == .ok, "\(report.reason ?? "")")
      #expect(report.slots.allSatisfy { $0 > 0 })
      #expect(report.slots.count == Int(job.depth))
      #expect(image.generations == SeededImage.replay(job, slots: report.slots))
    }

    @Test(arguments: ["ide-pio", "ide-dma", "virtio-blk"])
    func wrongDataFailsTheRepetition(disk: String) throws {
      let image = try SeededImage()
      try image.corrupt(sector: 9)
      let report = try GuestRun.run(DiskJob(disk: disk, access: "sequential").specification(on: image).under(.qemu))
      #expect(report.status == .failed)
      #expect(report.reason == "read verification failed: block at sector 8 does not hold what the image holds")
    }

    @Test func whatOneOfItsRunsMeasuresIsComplete() throws {
      let image = try SeededImage()
      var specification = DiskJob().specification(on: image).under(.qemu)
      specification.userspaceExitEvent = Host.exitEvent
      let report = try GuestRun.run(specification)
      for metric in [
        "throughput.ops", "latency.p50", "host.cpu_seconds", "boot.first_byte", "memory.runner_overhead",
      ] { #expect(try #require(report.metrics[metric], "\(metric)") > 0) }
      #expect((report.metrics["exits.per_op"] != nil) == (Host.exitEvent != nil))
      #expect(report.log.contains("pvbench guest"))
    }

    static let networks = [
      NetworkJob(backing: .stack(.echo), size: 106, card: "e1000"),
      NetworkJob(backing: .stack(.echo), size: 1442, depth: 32, transport: "pci"),
      NetworkJob(backing: .stack(.echo), size: 1442, depth: 32, transport: "mmio"),
    ]

    @Test(.enabled(if: Host.canMakeNetworks), arguments: networks)
    func everyDatagramComesBackIntact(_ job: NetworkJob) throws {
      let measured = NetworkJob.Measured(report: try GuestRun.run(job.far("tap").specification.under(.qemu)))
      #expect(measured.report.status == .ok, "\(measured.report.reason ?? "")")
      let sent = try #require(measured["sent"])
      #expect(sent > 20)
      #expect(measured["received"] == sent)
      #expect(["lost", "corrupted", "duplicated", "reordered"].map { measured[$0] } == [0, 0, 0, 0])
    }

    @Test(.enabled(if: Host.canMakeNetworks), arguments: ["e1000", "virtio-net"])
    func theHostTakesEveryDatagramOnceAndIntact(card: String) throws {
      let job = NetworkJob(backing: .stack(.sink), operation: "transmit", size: 1514, depth: 128, card: card)
      let measured = NetworkJob.Measured(report: try GuestRun.run(job.far("tap").specification.under(.qemu)))
      #expect(measured.report.status == .ok, "\(measured.report.reason ?? "")")
      let (sent, lost) = (try #require(measured["sent"]), try #require(measured["lost"]))
      #expect(try #require(measured["taken"]) > 100)
      #expect(measured["taken"] == sent - lost)
      #expect([measured["corrupted"], measured["duplicated"]] == [0, 0])
    }

    @Test(arguments: ["e1000", "virtio-net"])
    func twoGuestsExchangeIntactDatagrams(card: String) throws {
      let job = NetworkJob(backing: .peer, size: 106, card: card).far("peer")
      let result = try RunnerProgram.run(job.specification.under(.qemu).arguments)
      let measured = NetworkJob.Measured(report: RunnerReport(parsing: result.output))
      #expect(measured.report.status == .ok, "\(measured.report.reason ?? result.errors)")
      #expect(try #require(measured["received"]) > 20)
      #expect(["lost", "corrupted", "duplicated"].map { measured[$0] } == [0, 0, 0])
    }

    @Test(arguments: ["clock=pmtimer", "clock=pit", "clock=rtc", "clock=kvmclock", "timer=pit", "timer=lapic"])
    func clocksAndTimersAreWhereThePCHasThem(choice: String) throws {
      let parts = choice.split(separator: "=").map(String.init)
      var specification = MachineSpecification()
      specification.kernel = parts[0]
      specification.choices = [parts[0]: parts[1], "cpuid": "kvm"]
      specification.parameters = parts[0] == "timer" ? [("period", "1000000"), ("vcpus", "1")] : []
      specification.warmupNanoseconds = 10_000_000
      specification.windowNanoseconds = 60_000_000
      let report = try GuestRun.run(specification.under(.qemu))
      #expect(report.status == .ok, "\(report.reason ?? "")")
      #expect(try #require(report.metrics["window.ops"]) > 0)
    }

    @Test func anInterpretedGuestSaysThatItIsNoMeasurement() throws {
      let image = try SeededImage()
      let report = try GuestRun.run(DiskJob().specification(on: image).under(.qemuTCG))
      #expect(report.status == .ok, "\(report.reason ?? "")")
      #expect(report.notes.contains("QEMU interprets this guest: no measurement of hardware"))
    }

    // MARK: What goes wrong

    @Test(arguments: [
      ("panic", "the guest panicked"), ("triplefault", "the guest reset or switched off QEMU's machine"),
      ("sulk", "misbehave does not know how"),
    ])
    func aGuestThatMisbehavesFailsAndSaysWhy(how: String, reason: String) throws {
      var specification = MachineSpecification()
      specification.kernel = "misbehave"
      specification.parameters = [("how", how)]
      let report = try GuestRun.run(specification.under(.qemu))
      #expect(report.status == .failed)
      #expect(report.reason == reason)
    }

    @Test func whatQEMUCannotOpenIsTheReason() throws {
      var specification = DiskJob().specification(on: try SeededImage())
      specification.disk = .file(path: "/nowhere/disk.img", isBuffered: false)
      let report = try GuestRun.run(specification.under(.qemu))
      #expect(report.status == .failed)
      #expect(report.reason?.hasSuffix("Could not open '/nowhere/disk.img': No such file or directory") == true)
    }

    @Test(arguments: [
      ("/nowhere/qemu", "QEMU could not be started"), ("/bin/false", "QEMU ended before the guest, with exit code 1"),
    ])
    func aProgramThatIsNoQEMUIsReported(program: String, reason: String) throws {
      let report = try GuestRun.run(DiskJob().specification(on: try SeededImage()).under(.qemu, program))
      #expect(report.status == .failed)
      #expect(report.reason == reason)
    }

    @Test func aQEMUThatHangsIsKilledAndItsWordsAreKept() throws {
      let folder = try TemporaryFolder()
      let program = try folder.program("qemu", script: "echo hanging\nexec sleep 60\n")
      var specification = DiskJob().specification(on: try SeededImage()).under(.qemu, program)
      specification.timeoutNanoseconds = 1_000_000_000
      let report = try GuestRun.run(specification)
      #expect(report.status == .failed)
      #expect(report.reason == "the guest did not finish within 1.0 s under QEMU (QEMU: hanging)")
      #expect(report.log == ["qemu: hanging"])
    }

    @Test func whatQEMUHasNotIsSkipped() throws {
      let report = try GuestRun.run(NetworkJob(backing: .echo).specification.under(.qemu))
      #expect(report.status == .skipped)
      #expect(report.reason == "QEMU has no such back end (echo inside the runner)")
    }
  }
}
