import MachineLauncher
import Measurement
import PVWire
import Testing

@testable import Machine

/// What is made of a guest's departures, from windows that are made up.
@Suite("departures")
struct DeparturesTests {
  /// A hundred operations on `way`.
  private func outcome(
    _ way: WayOut, detail: String = "", exits: UInt64 = 0, elements: UInt64 = 0, beside: UInt64 = 0,
    taken: UInt64? = nil, kvmStats: [String: UInt64] = [:]
  ) -> GuestOutcome {
    var outcome = GuestOutcome()
    outcome.way = way
    outcome.stopReason = .done
    outcome.records = [.window(operations: 100, bytes: 0, startTSC: 1, endTSC: 1_000_001, emptyLoopTicks: 20)]
    var counts = ExitCounts(total: exits + beside, userspace: exits + beside)
    if !detail.isEmpty { counts.byDetail[detail] = ExitTally(exits: exits, elements: elements) }
    outcome.exits = counts
    var window = WindowMeasurement()
    window.taken = taken
    window.kvmStats = kvmStats
    outcome.window = window
    return outcome
  }

  @Test func asManyDeparturesAsOperationsAreRight() {
    let ports = "io:0x5070:out"
    #expect(Departures(outcome(.portOut, detail: ports, exits: 100, elements: 100))?.complaint == nil)
    #expect(Departures(outcome(.stringOut, detail: ports, exits: 800, elements: 800))?.complaint == nil)
    #expect(Departures(outcome(.stringOut, detail: ports, exits: 100, elements: 800))?.complaint == nil)
    #expect(Departures(outcome(.eventPort, taken: 100))?.complaint == nil)
    #expect(
      Departures(outcome(.coalescedPort, detail: "io:0x5090:out", exits: 1, elements: 1, taken: 99))?.complaint == nil)
    #expect(Departures(outcome(.wrmsr, kvmStats: ["exits": 100]))?.complaint == nil)
    #expect(Departures(outcome(.cpuid, kvmStats: ["exits": 100]))?.absence == nil)
    #expect(Departures(outcome(.empty))?.complaint == nil)
  }

  @Test func aWayThatDidNotLeaveFailsTheRepetition() {
    let report = ReportBuilder.report(outcome(.portOut, detail: "io:0x5070:out", exits: 99, elements: 99))
    #expect(report.status == .failed)
    #expect(
      report.reason
        == "the way out 'pio-out' was taken 100 times: 99 elements came to the runner at io:0x5070:out, expected 100")
  }

  /// Windows in which something else was measured.
  static let wrong: [(way: WayOut, exits: UInt64, taken: UInt64?, kvmStats: [String: UInt64])] = [
    (.eventPort, 0, 99, [:]), (.eventMMIO, 1, 100, [:]), (.coalescedMMIO, 0, 98, [:]), (.wrmsr, 0, nil, ["exits": 99]),
    (.controllerIn, 100, nil, ["exits": 100]), (.empty, 1, nil, [:]), (.localAPICRead, 1, nil, ["exits": 100]),
  ]

  @Test(arguments: wrong)
  func anotherWayIsNotTakenForThisOne(
    _ row: (way: WayOut, exits: UInt64, taken: UInt64?, kvmStats: [String: UInt64])
  ) {
    let outcome = outcome(row.way, beside: row.exits, taken: row.taken, kvmStats: row.kvmStats)
    #expect(Departures(outcome)?.complaint != nil)
  }

  @Test func theInterpreterOfRing0LeavesForTheGuest() {
    #expect(Departures(outcome(.rdmsr, kvmStats: ["exits": 3, "insn_emulation": 400]))?.complaint == nil)
  }

  @Test func countersThatDoNotMoveProveNothing() {
    #expect(Departures(outcome(.wrmsr, kvmStats: ["irq_exits": 5]))?.complaint == nil)
    #expect(Departures(outcome(.cpuid, kvmStats: ["irq_exits": 5]))?.absence == nil)
  }

  @Test(arguments: [WayOut.localAPICRead, .x2APICWrite, .cpuid])
  func whatTheProcessorAnswersIsNoWayOut(way: WayOut) {
    let report = ReportBuilder.report(outcome(way, kvmStats: ["exits": 2]))
    #expect(report.status == .skipped)
    #expect(report.reason == "'\(way.rawValue)' does not reach KVM on this host: the processor answers")
  }

  @Test func aGuestThatBoastsIsNotBelieved() {
    var boastful = outcome(.stringOut, detail: "io:0x5070:out", exits: 100, elements: 800)
    boastful.records.append(.window(operations: .max, bytes: 0, startTSC: 1, endTSC: 2, emptyLoopTicks: 0))
    #expect(Departures(boastful)?.complaint != nil)
  }

  @Test func otherGuestsAreNotAsked() {
    var outcome = outcome(.empty)
    outcome.way = nil
    #expect(Departures(outcome) == nil)
  }
}
