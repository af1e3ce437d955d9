import Glibc
import Machine
import MachineLauncher
import Measurement
import Synchronization
import Testing

/// A row of a network suite, run for a short time.
struct NetworkJob: Sendable, CustomTestStringConvertible {
  var backing = NetworkBacking.echo
  var kernel = "network"
  var operation = "roundtrip"
  var size = 64
  var depth = 1
  var rate = 0
  var completion = "interrupt"
  var card = "virtio-net"
  var transport = "mmio"
  /// What the guest is told of its far side; nil for nothing.
  var port: String?
  var windowMilliseconds: UInt64 = 100

  /// The same, its frames datagrams to another host.
  func far(_ port: String) -> NetworkJob {
    var job = self
    job.port = port
    return job
  }

  var testDescription: String {
    "\(backing) \(operation) \(size) B depth \(depth) rate \(rate) \(completion) \(card) \(transport)"
  }

  var specification: MachineSpecification {
    var specification = MachineSpecification()
    specification.kernel = kernel
    specification.choices = ["net": card, "transport": transport, "completion": completion]
    specification.network = backing
    specification.parameters = [
      ("operation", operation), ("size", "\(size)"), ("depth", "\(depth)"), ("rate", "\(rate)"),
    ]
    if let port { specification.parameters.append(("port", port)) }
    specification.warmupNanoseconds = 10_000_000
    specification.windowNanoseconds = windowMilliseconds * 1_000_000
    return specification
  }

  func run() throws -> Measured { Measured(report: try GuestRun.run(specification)) }

  /// A report whose metrics are asked for by their last component.
  struct Measured {
    let report: RunnerReport
    subscript(_ name: String) -> Double? { report.metrics["network.\(name)"] }

    /// Frames that were lost, changed or doubled, and drops by place.
    var damage: [Double?] {
      [
        "lost", "corrupted", "duplicated", "reordered", "dropped_card_outgoing", "dropped_card_incoming",
        "dropped_port_outgoing", "dropped_port_incoming",
      ].map { self[$0] }
    }
    static let noDamage = [Double?](repeating: 0, count: 8)
  }
}

extension RealGuests {
  @Suite("network workloads")
  struct NetworkTests {
    static let roundTrips = [
      NetworkJob(), NetworkJob(completion: "polled"), NetworkJob(size: 1400),
      NetworkJob(size: 1400, completion: "polled"),
      NetworkJob(depth: 32), NetworkJob(size: 1514, depth: 200), NetworkJob(rate: 1000), NetworkJob(size: 61, depth: 7),
      NetworkJob(transport: "pci"), NetworkJob(size: 1400, depth: 32, completion: "polled", transport: "pci"),
      NetworkJob(card: "e1000"), NetworkJob(size: 1400, completion: "polled", card: "e1000"),
      NetworkJob(size: 1514, depth: 200, card: "e1000"), NetworkJob(size: 61, depth: 7, card: "e1000"),
    ]

    @Test(arguments: roundTrips) func everyEchoComesBackIntact(_ job: NetworkJob) throws {
      let measured = try job.run()
      let sent = try #require(measured["sent"])
      #expect(measured.report.status == .ok, "\(measured.report.reason ?? "")")
      #expect(measured.damage == NetworkJob.Measured.noDamage)
      #expect(sent > 0)
      #expect(["received", "port_sent", "port_received"].map { measured[$0] } == [sent, sent, sent])
      #expect(measured.report.histograms["latency"] != nil)
    }

    static let transmissions = [
      NetworkJob(backing: .sink, operation: "transmit", depth: 128),
      NetworkJob(backing: .sink, operation: "transmit", size: 1514, depth: 1, completion: "polled"),
      NetworkJob(backing: .source(size: 64, rate: 1000), operation: "transmit", depth: 16),
      NetworkJob(backing: .sink, operation: "transmit", depth: 128, transport: "pci"),
      NetworkJob(backing: .sink, operation: "transmit", depth: 128, card: "e1000"),
      NetworkJob(backing: .sink, operation: "transmit", size: 65_549, depth: 16, transport: "pci"),
      NetworkJob(backing: .sink, operation: "transmit", size: 4097, depth: 40, completion: "polled"),
    ]

    @Test(arguments: transmissions) func whatIsSentIsTaken(_ job: NetworkJob) throws {
      let measured = try job.run()
      #expect(measured.report.status == .ok, "\(measured.report.reason ?? "")")
      #expect(measured["lost"] == 0)
      #expect(measured["corrupted"] == 0)
      #expect(try #require(measured["sent"]) > 0)
      #expect(measured["port_sent"] == measured["sent"])
    }

    static let receptions = [
      NetworkJob(backing: .source(size: 64, rate: 0), operation: "receive"),
      NetworkJob(backing: .source(size: 1514, rate: 0), operation: "receive", size: 1514, completion: "polled"),
      NetworkJob(backing: .source(size: 64, rate: 5000), operation: "receive"),
      NetworkJob(backing: .source(size: 64, rate: 0), operation: "both", depth: 64),
      NetworkJob(backing: .source(size: 64, rate: 0), operation: "both", depth: 64, transport: "pci"),
      NetworkJob(backing: .source(size: 1514, rate: 0), operation: "receive", size: 1514, card: "e1000"),
      NetworkJob(backing: .source(size: 64, rate: 0), operation: "both", depth: 64, card: "e1000"),
      NetworkJob(backing: .source(size: 65_549, rate: 0), operation: "receive", size: 65_549, transport: "pci"),
      NetworkJob(
        backing: .source(size: 9000, rate: 0), operation: "both", size: 9000, depth: 8, completion: "polled"),
    ]

    @Test(arguments: receptions) func whatASourceGivesIsReceived(_ job: NetworkJob) throws {
      let measured = try job.run()
      #expect(measured.report.status == .ok, "\(measured.report.reason ?? "")")
      #expect(measured.damage.prefix(4) == NetworkJob.Measured.noDamage.prefix(4))
      #expect(try #require(measured["received"]) > 0)
      #expect(measured["port_received"] == measured["received"])
      #expect(measured["port_sent"] == measured["sent"])
    }

    @Test func guestToGuestNothingIsLost() throws {
      var ends: [Int32] = [0, 0]
      try #require(socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0, &ends) == 0)
      // Each runner owns its end and closes it.
      let server = NetworkJob(backing: .socket(descriptor: ends[1]), kernel: "netserver", windowMilliseconds: 1500)
      let answer = Mutex<NetworkJob.Measured?>(nil)
      try withoutActuallyEscaping({ answer.withLock { $0 = try? server.run() } }) { body in
        let thread = Companion(body)
        usleep(300_000)
        let client = NetworkJob(backing: .socket(descriptor: ends[0]), depth: 16, windowMilliseconds: 200)
        let measured = try client.run()
        thread.join()
        #expect(measured.report.status == .ok, "\(measured.report.reason ?? "")")
        #expect(measured.damage == NetworkJob.Measured.noDamage)
        let sent = try #require(measured["sent"])
        #expect(measured["received"] == sent)
        let served = try #require(answer.withLock { $0 })
        #expect(["received", "sent", "port_received", "port_sent"].map { served[$0] } == [sent, sent, sent, sent])
      }
    }

    @Test func withoutACardTheRepetitionIsSkipped() throws {
      let measured = try NetworkJob(backing: .none).run()
      #expect(measured.report.status == .skipped)
      #expect(measured.report.reason?.hasPrefix("no network card was found") == true)
    }

    @Test func withoutOffloadALongFrameIsSkipped() throws {
      let measured = try NetworkJob(backing: .sink, operation: "transmit", size: 1515, card: "e1000").run()
      #expect(measured.report.status == .skipped)
      #expect(measured.report.reason == "this network card leaves no segmentation to whoever is behind it")
    }

    static let misfits = [
      NetworkJob(size: 59),
      NetworkJob(backing: .sink, operation: "transmit", size: 65_550), NetworkJob(depth: 0),
      NetworkJob(rate: 2_000_000_000),
    ]

    @Test(arguments: misfits) func whatDoesNotFitTheCardFails(_ job: NetworkJob) throws {
      let measured = try job.run()
      #expect(measured.report.status == .failed)
      #expect(measured.report.reason == "size, depth or rate do not fit the network card")
    }
  }
}
