import Machine
import MachineLauncher
import Measurement
import Testing

/// A row of the platform suite, run for a short time.
struct PlatformJob: Sendable, CustomTestStringConvertible {
  var kernel: String
  var parameters: [String: String] = [:]
  var choices: [String: String] = [:]
  var transport = "pci"
  var completion = "interrupt"
  var doorbell = "ioeventfd"

  var testDescription: String { "\(kernel) \(parameters) \(choices) \(transport) \(completion) \(doorbell)" }

  func run() throws -> RunnerReport {
    var specification = MachineSpecification()
    specification.kernel = kernel
    specification.choices = ["transport": transport, "completion": completion, "doorbell": doorbell]
    specification.choices.merge(choices) { $1 }
    specification.parameters = parameters.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    specification.warmupNanoseconds = 10_000_000
    specification.windowNanoseconds = 60_000_000
    return try GuestRun.run(specification)
  }
}

extension RealGuests {
  @Suite("entropy on real guests")
  struct EntropyTests {
    private static func job(
      block: Int = 64, transport: String = "pci", completion: String = "interrupt", doorbell: String = "ioeventfd"
    ) -> PlatformJob {
      PlatformJob(
        kernel: "entropy", parameters: ["block": "\(block)"], choices: ["entropy": "virtio-rng"], transport: transport,
        completion: completion, doorbell: doorbell)
    }

    static let jobs = [
      job(), job(block: 16, completion: "polled"), job(block: 65536), job(transport: "mmio"),
      job(transport: "mmio", completion: "polled"), job(block: 4096, transport: "mmio", doorbell: "exit"),
    ]

    @Test(arguments: jobs) func everyBlockIsFilled(_ job: PlatformJob) throws {
      let report = try job.run()
      #expect(report.status == .ok, "\(report.reason ?? "")")
      #expect(report.log.contains("entropy: virtio-rng"))
      #expect(try #require(report.metrics["window.ops"]) > 0)
      #expect(report.histograms["latency"] != nil)
    }

    @Test func messagesAndDoorbellsCostNoUserspaceExits() throws {
      let report = try Self.job().run()
      #expect(try #require(report.metrics["exits.per_op"]) <= 0.1)
    }

    @Test func withoutTheDeviceTheRepetitionIsSkipped() throws {
      let report = try PlatformJob(kernel: "entropy", parameters: ["block": "64"]).run()
      #expect(report.status == .skipped)
      #expect(report.reason?.hasPrefix("no entropy device was found") == true)
    }
  }

  @Suite("console on real guests")
  struct ConsoleTests {
    private static func job(
      _ console: String = "virtio-console", block: Int = 80, transport: String = "pci", doorbell: String = "ioeventfd"
    ) -> PlatformJob {
      PlatformJob(
        kernel: "console", parameters: ["block": "\(block)"], choices: ["console": console], transport: transport,
        doorbell: doorbell)
    }

    static let jobs = [
      job(), job(block: 4096), job(block: 1, transport: "mmio"), job(transport: "mmio", doorbell: "exit"),
    ]

    @Test(arguments: jobs) func linesGoThroughTheVirtioConsole(_ job: PlatformJob) throws {
      let report = try job.run()
      #expect(report.status == .ok, "\(report.reason ?? "")")
      #expect(report.log.contains("console: virtio-console"))
      #expect(report.log.contains("virtio-console is up"))
      #expect(report.log.contains("pvbench guest"))  // through the UART, before any driver
      #expect(try #require(report.metrics["window.ops"]) > 0)
    }

    @Test func aLineCostsNoUserspaceExits() throws {
      #expect(try #require(try Self.job().run().metrics["exits.per_op"]) <= 0.1)
    }

    @Test func withoutItTheUARTTakesEveryByte() throws {
      let report = try Self.job("uart").run()
      #expect(report.status == .ok, "\(report.reason ?? "")")
      #expect(report.log.contains("console: uart"))
      #expect(try #require(report.metrics["exits.per_op"]) >= 160)
    }
  }

  @Suite("balloon on real guests")
  struct BalloonTests {
    private static func job(
      _ operation: String = "inflate", pages: Int = 256, transport: String = "pci", completion: String = "interrupt",
      doorbell: String = "ioeventfd"
    ) -> PlatformJob {
      PlatformJob(
        kernel: "balloon", parameters: ["operation": operation, "count": "\(pages)"], choices: ["memory": "balloon"],
        transport: transport, completion: completion, doorbell: doorbell)
    }

    static let jobs = [
      job(), job("reporting"), job(pages: 1, completion: "polled"), job("reporting", pages: 1024, completion: "polled"),
      job(transport: "mmio"), job("reporting", transport: "mmio", completion: "polled"),
      job(pages: 32, transport: "mmio", doorbell: "exit"),
    ]

    @Test(arguments: jobs) func pagesGoBackAndComeAgainEmpty(_ job: PlatformJob) throws {
      let report = try job.run()
      #expect(report.status == .ok, "\(report.reason ?? "")")
      #expect(report.log.contains("memory: virtio-balloon"))
      let operations = try #require(report.metrics["window.ops"])
      let pages = try #require(job.parameters["count"].flatMap { Double($0) })
      let reclaimed = try #require(report.metrics["memory.reclaimed"])
      #expect(reclaimed > operations * pages * 4096)  // and those of the warm-up
      #expect(reclaimed.truncatingRemainder(dividingBy: pages * 4096) == 0)
      #expect(report.metrics["memory.balloon_free"] == pages * 4096)
    }

    @Test(arguments: ["inflate", "reporting"]) func whatIsGivenBackTakesNoMemoryOfTheHost(operation: String) throws {
      // The window closes right after pages were given back: 4 MiB of them take no more than one.
      let touched = try [1, 1024].map {
        try #require(try Self.job(operation, pages: $0).run().metrics["memory.guest_touched"])
      }
      #expect(abs(touched[1] - touched[0]) < 256 * 1024, "\(touched)")
    }

    @Test func withoutABalloonTheRepetitionIsSkipped() throws {
      let report = try PlatformJob(kernel: "balloon", parameters: ["operation": "inflate", "count": "1"]).run()
      #expect(report.status == .skipped)
      #expect(report.reason?.hasPrefix("no balloon was found") == true)
    }

    @Test(arguments: ["0", "1025"]) func anImpossibleNumberOfPagesFails(pages: String) throws {
      let report = try PlatformJob(
        kernel: "balloon", parameters: ["operation": "inflate", "count": pages], choices: ["memory": "balloon"]
      ).run()
      #expect(report.status == .failed)
      #expect(report.reason == "count: expected 1 to 1024")
    }
  }
}
