import Measurement
import Testing

@Suite("reconciliation of exits")
struct ReconciliationTests {
  private static let loop = LifetimeExits(
    byReason: ["io": 5000, "mmio": 20], byPlace: ["io:0x1f0:in": 4000, "io:0x1f7:out": 1000, "mmio:0xfeb00000:in": 20])

  private static let trace = TraceCounts(events: [
    "kvm_userspace_exit": .init(count: 5020, byKey: ["io": 5000, "mmio": 20]),
    "kvm_pio": .init(count: 5600, byKey: ["0x1f0:in": 4000, "0x1f7:out": 1000, "0x20:out": 600]),
    "kvm_mmio": .init(count: 40, byKey: ["0xfeb00000:in": 20, "0xfeb00000:answered": 20]),
  ])

  private static let evidence = ExitEvidence(
    loop: loop, counted: 5020, statistics: ["mmio_exits": 20, "exits": 9000], trace: trace)

  private func rows(_ change: (inout ExitEvidence) -> Void = { _ in }) -> [ReconciliationRecord] {
    var evidence = Self.evidence
    change(&evidence)
    return evidence.reconciled(ExitSource.allCases)
  }

  @Test func everyReasonStandsBesideAllThatCanSeeIt() {
    #expect(
      rows() == [
        ReconciliationRecord(reason: "total", loop: 5020, sources: ["counter:kvm_userspace_exit": 5020]),
        ReconciliationRecord(
          reason: "io", loop: 5000, sources: ["trace:kvm_userspace_exit": 5000, "trace:kvm_pio": 5000]),
        ReconciliationRecord(
          reason: "mmio", loop: 20,
          sources: ["stats:mmio_exits": 20, "trace:kvm_userspace_exit": 20, "trace:kvm_mmio": 20]),
      ])
    #expect(rows().allSatisfy { $0.disagreeing.isEmpty })
  }

  @Test func onlyWhoIsBelievedIsAsked() {
    let rows = Self.evidence.reconciled([.counter])
    #expect(rows.flatMap(\.sources.keys) == ["counter:kvm_userspace_exit"])
  }

  private static let pairs: [(loop: UInt64, other: UInt64, isFine: Bool)] = [
    (1000, 1001, true), (1000, 1002, false), (5000, 4995, true), (5000, 4994, false), (0, 1, true), (0, 2, false),
  ]

  @Test(arguments: pairs)
  func oneExitOrOneInAThousandMayDiffer(loop: UInt64, other: UInt64, isFine: Bool) {
    let row = ReconciliationRecord(reason: "io", loop: loop, sources: ["trace:kvm_pio": other])
    #expect(row.disagreeing.isEmpty == isFine)
    #expect(ReconciliationRecord.agree(other, loop) == isFine)
  }

  @Test func exitsThatTheLoopHasNotSeenDisagree() throws {
    let rows = rows { $0.trace?.events["kvm_userspace_exit"]?.byKey["hlt"] = 7 }
    let row = try #require(rows.first { $0.reason == "hlt" })
    #expect(row == ReconciliationRecord(reason: "hlt", loop: 0, sources: ["trace:kvm_userspace_exit": 7]))
    #expect(row.disagreeing == ["trace:kvm_userspace_exit"])
  }

  @Test func accessesThatNobodyHasToldOfDisagree() throws {
    let rows = rows { $0.trace?.events["kvm_pio"]?.byKey["0x1f0:in"] = 3000 }
    #expect(rows.first { $0.reason == "io" }?.disagreeing == ["trace:kvm_pio"])
  }

  @Test func accessesThatKVMAnswersItselfAreNoExits() {
    let rows = rows { $0.trace?.events["kvm_pio"]?.byKey["0x1f7:out"] = 1_000_000 }
    #expect(rows.allSatisfy { $0.disagreeing.isEmpty })
  }

  @Test func whoHasLostRecordsSaysNothing() {
    let rows = rows {
      $0.trace?.events["kvm_pio"]?.lost = 1
      $0.trace?.events["kvm_userspace_exit"]?.lost = 1
    }
    #expect(rows.first { $0.reason == "io" }?.sources == [:])
  }

  @Test func placesThatCannotBeToldApartSayNothing() {
    #expect(rows { $0.loop.byPlace["io:0x1f0:in"] = nil }.first { $0.reason == "io" }?.sources["trace:kvm_pio"] == nil)
    #expect(
      rows { $0.trace?.events["kvm_pio"]?.byKey["other"] = 1 }.first { $0.reason == "io" }?.sources["trace:kvm_pio"]
        == nil)
  }
}
