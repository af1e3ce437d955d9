import HostTopology
import Measurement
import Testing

@testable import Campaign

@Suite("validity of a repetition")
struct ValidityTests {
  private static let quiet = HostEvents(before: .quiet, after: .quiet)

  /// What becomes of a repetition of two seconds at 1 MB/s, after `change`.
  private func judged(
    _ change: [String: Double], _ validity: Validity = Validity(), from status: RepetitionStatus = .ok,
    reason: String? = nil, host: HostEvents = quiet
  ) -> RepetitionRecord {
    var metrics = ["window.seconds": 2, "throughput.bytes": 1e6, "host.stood_still": 0, "host.run_delay": 0.001]
    metrics.merge(change) { $1 }
    var record = RepetitionRecord(index: 0, order: 0, status: status, reason: reason)
    validity.judge(&record, metrics: metrics, host)
    return record
  }

  @Test func whatWasNotDisturbedStaysAsItIs() {
    #expect(judged([:]) == RepetitionRecord(index: 0, order: 0, status: .ok))
  }

  @Test func competingLoadMakesItInvalidWithTheNumbers() {
    let record = judged(["host.run_delay": 0.9])
    #expect(record.status == .invalid)
    #expect(
      record.reason
        == "load: a vCPU's or an I/O thread waited 900 ms of 2.00 s for its CPU, which other work had")
  }

  @Test func waitsOfAFewPercentAreLetPass() { #expect(judged(["host.run_delay": 0.09]).status == .ok) }

  @Test func aShortWindowMayWaitForTwentyMilliseconds() {
    #expect(judged(["host.run_delay": 0.019, "window.seconds": 0.1]).status == .ok)
    #expect(judged(["host.run_delay": 0.021, "window.seconds": 0.1]).status == .invalid)
  }

  @Test func aRunnerThatStoodStillIsInvalid() {
    let record = judged(["host.stood_still": 2.04])
    #expect(record.status == .invalid)
    #expect(record.reason == "stopped: the runner stood still for 2.04 s")
    #expect(judged(["host.stood_still": 0.4]).status == .ok)
  }

  @Test func readsThatThePageCacheAnsweredAreInvalid() {
    let direct = Validity(bytesInFlight: 4096)
    let record = judged(["host.storage_read": 500_000], direct)
    #expect(record.status == .invalid)
    #expect(record.reason == "cache: of 2000000 bytes that were read past the page cache the disk gave 500000")
    #expect(judged(["host.storage_read": 1_800_000], direct).status == .ok)
  }

  @Test func readsThatNobodyTellsApartProveNothing() {
    #expect(judged(["host.storage_read": 0]).status == .ok)
    #expect(judged([:], Validity(bytesInFlight: 4096)).status == .ok)
  }

  @Test func whatNobodyLookedAtIsNoted() {
    var record = RepetitionRecord(index: 0, order: 0, status: .ok)
    Validity().judge(&record, metrics: ["window.seconds": 2], Self.quiet)
    #expect(record.status == .ok)
    #expect(record.notes == ["load was not watched", "stopped was not watched"])
  }

  @Test func theHostsOwnTroublesCountAsWell() {
    var later = HostMoment.quiet
    later.clocksource = "hpet"
    let record = judged(["host.stood_still": 1], host: HostEvents(before: .quiet, after: later))
    #expect(
      record.reason == "stopped: the runner stood still for 1.00 s; clocksource: the clocksource went from tsc to hpet")
  }

  @Test func whatIsToleratedIsANote() {
    let record = judged(["host.stood_still": 1], Validity(tolerated: [.stopped]))
    #expect(record.status == .ok)
    #expect(record.notes == ["tolerated: stopped: the runner stood still for 1.00 s"])
  }

  @Test func aFailureStaysOneAndNamesWhatMayHaveCausedIt() {
    let record = judged(["host.stood_still": 9], from: .failed, reason: "the guest did not finish")
    #expect(record.status == .failed)
    #expect(record.reason == "the guest did not finish; meanwhile stopped: the runner stood still for 9.00 s")
  }

  @Test func whatWasSkippedWasNotDisturbed() {
    #expect(judged(["host.stood_still": 9], from: .skipped, reason: "no").reason == "no")
  }

  @Test func onlyDirectReadsOfTheImageAreComparedWithStorage() throws {
    func bytes(_ workload: String, with variant: String? = nil, countsReads: Bool = true) throws -> [Double?] {
      var request = RunRequest.of(workload, modes: ["paravirt" + (variant.map { "+" + $0 } ?? "")])
      request.tolerated = []
      let plan = try Planner.plan(request, library: try .embedded())
      return plan.cells.map { Validity(of: $0, tolerated: [], countsReads: countsReads).bytesInFlight }
    }
    #expect(try bytes("disk.randread.4k.qd32") == [32 * 4096])
    #expect(try bytes("disk.randread.4k.qd32", countsReads: false) == [nil])
    #expect(try bytes("disk.randread.4k.qd32", with: "backend=cached") == [nil])
    #expect(try bytes("disk.randwrite.4k.qd1") == [nil])
  }

  @Test func disturbancesAreNamedInAList() {
    #expect(Disturbance.list("load,steal") == [.load, .steal])
    #expect(Disturbance.list("all") == Disturbance.allCases)
    #expect(Disturbance.list("load,") == nil)
    #expect(Disturbance.list("lod") == nil)
  }
}
