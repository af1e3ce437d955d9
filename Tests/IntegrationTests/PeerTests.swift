import Glibc
import MachineLauncher
import Testing

extension RealGuests {
  @Suite("guest to guest")
  struct PeerTests {
    private static func run(_ job: NetworkJob) throws -> NetworkJob.Measured {
      let result = try RunnerProgram.run(job.specification.arguments)
      #expect(result.status == 0, "\(result.errors)")
      return NetworkJob.Measured(report: RunnerReport(parsing: result.output))
    }

    private static let drops = [
      "dropped_card_outgoing", "dropped_port_outgoing", "peer_dropped_port_incoming", "peer_dropped_card_incoming",
      "dropped_far_side",
    ]

    static let roundTrips = TapTests.cards.flatMap { card in
      [
        NetworkJob(backing: .peer, size: 106, card: card, transport: "pci"),
        NetworkJob(backing: .peer, size: 1442, depth: 16, completion: "polled", card: card),
      ].map { $0.far("peer") }
    }

    @Test(arguments: roundTrips) func everyDatagramComesBackIntact(_ job: NetworkJob) throws {
      let measured = try Self.run(job)
      #expect(measured.report.status == .ok, "\(measured.report.reason ?? "")")
      #expect(measured.damage == NetworkJob.Measured.noDamage)
      #expect(try #require(measured["sent"]) > 0)
      #expect(measured["received"] == measured["sent"])
    }

    static let transmissions = TapTests.cards.flatMap { card in
      [
        NetworkJob(backing: .peer, operation: "transmit", size: 106, depth: 128, card: card, transport: "pci"),
        NetworkJob(backing: .peer, operation: "transmit", size: 1514, depth: 128, card: card),
      ].map { $0.far("peer") }
    }

    @Test(arguments: transmissions) func atAQueuesPaceNothingIsLost(_ job: NetworkJob) throws {
      let measured = try Self.run(job)
      #expect(measured.report.status == .ok, "\(measured.report.reason ?? "")")
      #expect(measured.damage == NetworkJob.Measured.noDamage)
      #expect(measured["peer_dropped_card_incoming"] == 0)
      #expect(try #require(measured["sent"]) > 0)
      #expect(measured["taken"] == measured["sent"])
    }

    static let overloads = TapTests.cards.flatMap { card in
      [
        NetworkJob(backing: .peer, operation: "transmit", size: 1514, rate: 200_000, card: card, transport: "pci"),
        NetworkJob(backing: .peer, operation: "transmit", size: 106, rate: 500_000, card: card),
      ].map { $0.far("peer") }
    }

    @Test(arguments: overloads) func underOverloadEveryDropHasItsPlace(_ job: NetworkJob) throws {
      let measured = try Self.run(job)
      #expect(measured.report.status == .ok, "\(measured.report.reason ?? "")")
      let (sent, taken) = (try #require(measured["sent"]), try #require(measured["taken"]))
      #expect(sent == taken + (try #require(measured["lost"])))
      #expect(measured["lost"] == Self.drops.compactMap { measured[$0] }.reduce(0, +))
      #expect(["corrupted", "duplicated", "reordered"].map { measured[$0] } == [0, 0, 0])
    }

    @Test func theOtherGuestDiesWithAKilledRunner() throws {
      let job = NetworkJob(backing: .peer, size: 106, windowMilliseconds: 20_000).far("peer")
      let runner = try Child([RunnerProgram.path] + job.specification.arguments)
      let list = "/proc/\(runner.pid)/task/\(runner.pid)/children"
      #expect(Child.eventually(seconds: 5) { !TemporaryFolder.contents(of: list).isEmpty })
      let text = String(decoding: TemporaryFolder.contents(of: list), as: UTF8.self)
      let other = try #require(pid_t(text.split(separator: " ").first.map(String.init) ?? ""))
      usleep(300_000)
      kill(runner.pid, SIGKILL)
      #expect(runner.wait().status == 128 + SIGKILL)
      // Dead, whether or not its new parent has already seen it.
      let status = "/proc/\(other)/cmdline"
      #expect(Child.eventually(seconds: 5) { TemporaryFolder.contents(of: status).isEmpty })
    }

    @Test func aRunnerWhoseParentHasEndedStartsNoGuest() throws {
      var job = NetworkJob().specification
      job.parent = 1
      let result = try RunnerProgram.run(job.arguments)
      #expect(result.status == 1)
      #expect(result.errors.contains("the process 1 has ended"))
    }
  }
}
