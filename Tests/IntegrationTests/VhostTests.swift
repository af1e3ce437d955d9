import Machine
import MachineLauncher
import Testing

extension RealGuests {
  @Suite("vhost-net", .enabled(if: Host.hasVhostNet && Host.canMakeNetworks, "vhost-net cannot be used here"))
  struct VhostTests {
    static let jobs = ["pci", "mmio"].flatMap { transport in
      [
        NetworkJob(backing: .stack(.echo), size: 106, card: "vhost-net", transport: transport),
        NetworkJob(
          backing: .stack(.echo), size: 1442, depth: 16, completion: "polled", card: "vhost-net", transport: transport),
        NetworkJob(
          backing: .stack(.sink), operation: "transmit", size: 1514, depth: 128, card: "vhost-net", transport: transport
        ),
      ].map { $0.far("tap") }
    }

    @Test(arguments: jobs) func everyDatagramArrivesIntact(_ job: NetworkJob) throws {
      let measured = try job.run()
      #expect(measured.report.status == .ok, "\(measured.report.reason ?? "")")
      let damage = ["lost", "corrupted", "duplicated", "dropped_port_outgoing", "dropped_far_side"]
      #expect(damage.map { measured[$0] } == damage.map { _ in 0 })
      #expect(try #require(measured["sent"]) > 0)
      #expect(measured["port_sent"] == measured["sent"])
    }

    @Test func doorbellMayBeAnExit() throws {
      var specification = NetworkJob(backing: .stack(.echo), size: 106, card: "vhost-net").far("tap").specification
      specification.choices["doorbell"] = "exit"
      let report = try GuestRun.run(specification)
      #expect(report.status == .ok, "\(report.reason ?? "")")
      #expect(report.metrics["network.lost"] == 0)
    }
  }

  @Suite("vhost-net that is not to be had")
  struct NoVhostTests {
    @Test(arguments: [NetworkBacking.echo, .sink, .source(size: 64, rate: 0)])
    func whatIsNoTapIsSkipped(backing: NetworkBacking) throws {
      let report = try NetworkJob(backing: backing, card: "vhost-net").run().report
      #expect(report.status == .skipped)
      #expect(report.reason == "vhost-net serves a TAP interface, not '\(backing)'")
    }

    @Test(.enabled(if: !Host.hasVhostNet && Host.canMakeNetworks, "this host has vhost-net, or no TAP interfaces"))
    func hostWithoutTheDeviceIsSkipped() throws {
      let report = try NetworkJob(backing: .stack(.echo), size: 106, card: "vhost-net").far("tap").run().report
      #expect(report.status == .skipped)
      #expect(report.reason == "this host has no /dev/vhost-net")
    }
  }
}
