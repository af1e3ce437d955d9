import Measurement
import Testing

@testable import Machine

@Suite("counts of trace records")
struct TraceTallyTests {
  private static let pio = TracepointLayout(
    name: "kvm_pio", id: 110,
    fields: ["port": .init(offset: 4, size: 2, isSigned: false), "rw": .init(offset: 8, size: 4, isSigned: false)])
  private static let entry = TracepointLayout(name: "kvm_entry", id: 115, fields: [:])

  private func record(_ id: UInt16, port: UInt16 = 0, isWrite: Bool = false) -> [UInt8] {
    withUnsafeBytes(of: id) { Array($0) } + [0, 0] + withUnsafeBytes(of: port) { Array($0) } + [0, 0]
      + [isWrite ? 1 : 0, 0, 0, 0]
  }

  private func tally(_ records: [[UInt8]], _ layouts: [TracepointLayout] = [pio, entry]) -> TraceTally {
    var tally = TraceTally(layouts)
    for record in records { record.withUnsafeBytes { tally.add($0) } }
    return tally
  }

  @Test func recordsAreCountedByEventAndPlace() {
    let tally = tally([
      record(110, port: 0x1F0), record(115), record(110, port: 0x1F0), record(110, port: 0x3F8, isWrite: true),
      record(9),
    ])
    #expect(
      tally.counts(kernel: [3, 1]).events == [
        "kvm_pio": .init(count: 3, byKey: ["0x1f0:in": 2, "0x3f8:out": 1]), "kvm_entry": .init(count: 1),
      ])
  }

  @Test func whatTheKernelCountedAndNobodySawIsLost() {
    var tally = tally([record(110, port: 1)])
    tally.lose(3)
    let counts = tally.counts(kernel: [5, 0])
    #expect(counts.events["kvm_pio"]?.lost == 4)
    #expect(counts.lostRecords == 3)
  }

  @Test func aRecordThatEndsBeforeItsFieldIsAboutSomethingElse() {
    let counts = tally([Array(record(110).prefix(8)), [110, 0], [110], []]).counts(kernel: [2, 0])
    #expect(counts.events["kvm_pio"] == .init(count: 2, byKey: ["other": 2]))
  }

  @Test func anEventWithoutTheFieldsThatWeKnowIsCountedAlone() {
    var layout = Self.pio
    layout.fields["port"] = nil
    let counts = tally([record(110, port: 7)], [layout]).counts(kernel: [1])
    #expect(counts.events == ["kvm_pio": .init(count: 1)])
  }

  @Test func aGuestThatTouchesEveryPortFillsNoMemory() {
    let ports = UInt16(TraceTally.mostKeys + 100)
    let counts = tally((0..<ports).map { record(110, port: $0) } + [record(110, port: 0)])
      .counts(kernel: [UInt64(ports) + 1, 0])
    #expect(counts.events["kvm_pio"]?.byKey.count == TraceTally.mostKeys + 1)
    #expect(counts.events["kvm_pio"]?.byKey["other"] == 100)
    #expect(counts.events["kvm_pio"]?.byKey["0x0:in"] == 2)
  }
}
