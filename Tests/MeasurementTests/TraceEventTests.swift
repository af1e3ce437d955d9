import Testing

@testable import Measurement

@Suite("what records of tracepoints are about")
struct TraceEventTests {
  /// `isa`, number, info1 and name.
  private static let exits: [(isa: UInt64, number: UInt64, info1: UInt64, name: String)] = [
    (1, 30, 0, "io"), (1, 12, 0, "hlt"), (1, 31, 0, "rdmsr"), (1, 32, 0, "wrmsr"), (1, 48, 0, "page_fault"),
    (1, 49, 0, "mmio"), (1, 1, 0, "interrupt"), (1, 0x8000_0021, 0, "fail_entry"), (1, 99, 0, "vmx:0x63"),
    (2, 0x7B, 0x3F8_0000, "io"), (2, 0x78, 0, "hlt"), (2, 0x7C, 0, "rdmsr"), (2, 0x7C, 1, "wrmsr"),
    (2, 0x81, 0, "hypercall"), (2, 0x400, 0, "page_fault"), (2, 0x4E, 0, "exception"), (2, 0x10, 0, "cr_access"),
    (2, 0xFFFF_FFFF, 0, "fail_entry"), (2, 0x4FF, 0, "svm:0x4ff"),
    (3, 14, 0, "page_fault"), (3, 13, 0, "exception"), (3, 5 << 16, 0, "interrupt"), (3, 2 << 16, 0, "hypercall"),
    (3, 99 << 16, 0, "pvm:0x630000"), (7, 5, 0, "isa7:0x5"),
  ]

  @Test(arguments: exits)
  func everyVendorsReasonsHaveOneName(isa: UInt64, number: UInt64, info1: UInt64, name: String) {
    #expect(TraceEvent.exit.key([number, isa, info1]) == name)
  }

  private static let others: [(event: TraceEvent, values: [UInt64], key: String)] = [
    (.userspaceExit, [2, 0], "io"), (.userspaceExit, [6, 0], "mmio"), (.userspaceExit, [38, 0], "kvm_exit:38"),
    (.userspaceExit, [10, UInt64(bitPattern: -4)], "intr"), (.userspaceExit, [2, UInt64(bitPattern: -14)], "unknown"),
    (.userspaceExit, [1 << 40, 0], "kvm_exit:1099511627776"),
    (.pio, [0, 0x1F0], "0x1f0:in"), (.pio, [1, 0x3F8], "0x3f8:out"),
    (.mmio, [0, 0xFEB0_0000], "0xfeb00000:in"), (.mmio, [1, 0xFEB0_0000], "0xfeb00000:answered"),
    (.mmio, [2, 0xFEB0_0000], "0xfeb00000:out"), (.msr, [0, 0x10], "rdmsr:0x10"), (.msr, [1, 0x6E0], "wrmsr:0x6e0"),
    (.hypercall, [11], "11"), (.injection, [0x30], "0x30"), (.pageFault, [6], "0x6"), (.haltPoll, [1], "grow"),
    (.haltPoll, [0], "shrink"),
  ]

  @Test(arguments: others)
  func recordsAreCountedByWhatTheyAreAbout(event: TraceEvent, values: [UInt64], key: String) {
    #expect(event.key(values) == key)
  }

  @Test func whatIsLostIsAddedUp() {
    let counts = TraceCounts(events: ["a": .init(count: 9, lost: 2), "b": .init(count: 9, lost: 3)])
    #expect(counts.lost == 5)
  }
}
