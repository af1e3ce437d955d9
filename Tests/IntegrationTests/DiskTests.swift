import Machine
import MachineLauncher
import Measurement
import Testing

extension RealGuests {
  @Suite("disk workloads")
  struct DiskTests {
    private let image: SeededImage

    init() throws { image = try SeededImage() }

    static let writes = [
      DiskJob(disk: "ide-pio", operation: "write"), DiskJob(disk: "ide-pio", operation: "flush", completion: "polled"),
      DiskJob(disk: "ide-pio", operation: "write", access: "sequential", completion: "polled"),
      DiskJob(disk: "ide-dma", operation: "write"), DiskJob(disk: "ide-dma", operation: "flush", completion: "polled"),
      DiskJob(disk: "ide-dma", operation: "write", block: 131_072),
      DiskJob(operation: "write"), DiskJob(operation: "flush"), DiskJob(operation: "write", block: 131_072),
      DiskJob(operation: "write", depth: 32), DiskJob(operation: "write", access: "sequential", completion: "polled"),
      DiskJob(operation: "mixed"), DiskJob(operation: "mixed", access: "sequential", block: 131_072, depth: 4),
      DiskJob(operation: "mixed", block: 512, depth: 64), DiskJob(disk: "ide-pio", operation: "mixed", block: 512),
    ]

    @Test(arguments: writes)
    func afterWritesTheImageIsWhatAReplaySays(_ job: DiskJob) throws {
      let report = try GuestRun.run(job.specification(on: image))
      #expect(report.status == .ok, "\(report.reason ?? "")")
      #expect(report.slots.count == Int(job.depth))
      #expect(report.slots.allSatisfy { $0 > 0 })
      #expect(image.generations == SeededImage.replay(job, slots: report.slots))
    }

    static let reads = [
      DiskJob(disk: "ide-pio"), DiskJob(disk: "ide-pio", completion: "polled"),
      DiskJob(disk: "ide-pio", access: "sequential", block: 131_072), DiskJob(disk: "ide-pio", block: 512),
      DiskJob(disk: "ide-dma"), DiskJob(disk: "ide-dma", completion: "polled"),
      DiskJob(disk: "ide-dma", block: 131_072),
      DiskJob(disk: "ide-dma", access: "sequential", block: 1_048_576), DiskJob(disk: "ide-dma", block: 512),
      DiskJob(), DiskJob(completion: "polled"), DiskJob(access: "sequential", block: 131_072), DiskJob(block: 512),
      DiskJob(depth: 32), DiskJob(block: 131_072, depth: 32, completion: "polled"), DiskJob(block: 512, depth: 64),
      DiskJob(access: "sequential", block: 1 << 20), DiskJob(disk: "ide-pio", block: 1 << 20),
      DiskJob(transport: "mmio"), DiskJob(transport: "mmio", depth: 32, completion: "polled"),
    ]

    @Test(arguments: reads)
    func whatIsReadIsVerifiedAndLeavesTheImageAlone(_ job: DiskJob) throws {
      let report = try GuestRun.run(job.specification(on: image))
      #expect(report.status == .ok, "\(report.reason ?? "")")
      let operations = try #require(report.metrics["window.ops"])
      #expect(operations >= Double(job.depth))
      #expect(report.slots.reduce(0, +) >= UInt64(operations))
      #expect(report.histograms["latency"] != nil)
      #expect(image.generations.allSatisfy { $0 == 0 })
    }

    @Test(arguments: ["ide-pio", "virtio-blk"])
    func wrongDataFailsTheRepetition(disk: String) throws {
      try image.corrupt(sector: 9)
      let job = DiskJob(disk: disk, access: "sequential")
      let report = try GuestRun.run(job.specification(on: image))
      #expect(report.status == .failed)
      #expect(
        report.reason == "read verification failed: block at sector 8 does not hold what the image holds")
    }

    @Test func anImageOfAnotherSeedFailsTheRepetition() throws {
      var specification = DiskJob().specification(on: image)
      specification.parameters.removeAll { $0.name == "imageseed" }
      specification.parameters.append(("imageseed", "6"))
      let report = try GuestRun.run(specification)
      #expect(report.status == .failed)
      #expect(report.reason?.hasPrefix("read verification failed") == true)
    }

    /// On one block, so that reads of what was written are among the first operations.
    @Test func mixedReadsVerifyWhatTheyWrote() throws {
      var specification = DiskJob(operation: "mixed", block: 131_072).specification(on: image)
      specification.disk = .memory(byteCount: 131_072, imageSeed: SeededImage.seed)
      specification.parameters.removeAll { $0.name == "sectors" }
      specification.parameters.append(("sectors", "256"))
      let report = try GuestRun.run(specification)
      #expect(report.status == .ok, "\(report.reason ?? "")")
      #expect(try #require(report.slots.first) > 10)
    }

    @Test(arguments: ["ide-pio", "virtio-blk"])
    func memoryIsReadLikeTheImage(disk: String) throws {
      var specification = DiskJob(disk: disk).specification(on: image)
      specification.disk = .memory(byteCount: SeededImage.sectors * 512, imageSeed: SeededImage.seed)
      #expect(try GuestRun.run(specification).status == .ok)
      specification.disk = .memory(byteCount: SeededImage.sectors * 512, imageSeed: SeededImage.seed + 1)
      #expect(try GuestRun.run(specification).reason?.hasPrefix("read verification failed") == true)
    }

    @Test(arguments: [DiskJob(disk: "ide-pio"), DiskJob(depth: 32), DiskJob(operation: "mixed", depth: 32)])
    func nothingIsReadWithoutVerificationAndSaysSo(_ job: DiskJob) throws {
      var specification = job.specification(on: image)
      specification.disk = .null(byteCount: SeededImage.sectors * 512)
      let report = try GuestRun.run(specification)
      #expect(report.status == .ok, "\(report.reason ?? "")")
      #expect(report.notes.contains { $0.contains("neither reads nor writes were verified") })
    }

    @Test(arguments: ["mmio", "pci"])
    func everyKickOfAnExitDoorbellIsAnExit(transport: String) throws {
      var specification = DiskJob(transport: transport, completion: "polled").specification(on: image)
      specification.choices["doorbell"] = "exit"
      let report = try GuestRun.run(specification)
      #expect(report.status == .ok, "\(report.reason ?? "")")
      #expect(try #require(report.metrics["exits.per_op"]) >= 1)
      specification.choices["doorbell"] = "ioeventfd"
      #expect(try #require(try GuestRun.run(specification).metrics["exits.per_op"]) < 0.1)
    }

    @Test func theConsoleIsWrittenWithoutTouchingTheLog() throws {
      var specification = MachineSpecification()
      specification.kernel = "console"
      specification.parameters = [("block", "80")]
      specification.warmupNanoseconds = 1_000_000
      specification.windowNanoseconds = 30_000_000
      let report = try GuestRun.run(specification)
      #expect(report.status == .ok, "\(report.reason ?? "")")
      #expect(report.log.starts(with: ["pvbench guest", "done"]))
      let operations = try #require(report.metrics["window.ops"])
      #expect(report.exits.byDetail["io:0x3f8:out"]?.exits == UInt64(operations) * 80)
    }

    @Test func smallMemoryIsEnough() throws {
      var specification = DiskJob(block: 131_072, depth: 32).specification(on: image)
      specification.memory = 32 << 20
      let report = try GuestRun.run(specification)
      #expect(report.status == .ok, "\(report.reason ?? "")")
    }

    @Test func theDiskThatWasChosenIsTheOneThatIsFound() throws {
      let virtio = try GuestRun.run(DiskJob().specification(on: image))
      #expect(virtio.log.contains("disk: virtio-blk, sectors 8192"))
      let ide = try GuestRun.run(DiskJob(disk: "ide-pio").specification(on: image))
      #expect(ide.log.contains("disk: ide, pio, sectors 8192"))
    }
  }

  @Suite("what a guest is told it cannot do")
  struct SkipTests {
    private let image: SeededImage

    init() throws { image = try SeededImage() }

    @Test(arguments: ["ide-pio", "virtio-blk"])
    func withoutADiskTheRepetitionIsSkipped(disk: String) throws {
      var specification = DiskJob(disk: disk).specification(on: image)
      specification.disk = .none
      let report = try GuestRun.run(specification)
      #expect(report.status == .skipped)
      #expect(report.reason?.hasPrefix("no disk was found") == true)
    }

    @Test func ideHasNoQueue() throws {
      let report = try GuestRun.run(DiskJob(disk: "ide-pio", depth: 32).specification(on: image))
      #expect(report.status == .skipped)
      #expect(report.reason == "the disk has queue depth 1 only")
    }

    /// A parameter, and a value that does not fit a disk of 8,192 sectors.
    static let misfits: [(name: String, value: String)] = [
      ("sectors", "8193"), ("block", "0"), ("block", "100"), ("block", "2097152"), ("depth", "0"),
      ("depth", "18446744073709551615"), ("sectors", "0"), ("sectors", "18446744073709551615"),
    ]

    @Test(arguments: misfits)
    func whatDoesNotFitTheDiskFails(name: String, value: String) throws {
      var specification = DiskJob().specification(on: image)
      specification.parameters.removeAll { $0.name == name }
      specification.parameters.append((name, value))
      let report = try GuestRun.run(specification)
      #expect(report.status == .failed)
      #expect(report.reason == "block, depth or sectors do not fit the disk")
    }

    @Test func aMissingParameterIsNamed() throws {
      var specification = DiskJob().specification(on: image)
      specification.parameters.removeAll { $0.name == "depth" }
      let report = try GuestRun.run(specification)
      #expect(report.status == .failed)
      #expect(report.reason == "parameter missing: depth")
    }
  }
}
