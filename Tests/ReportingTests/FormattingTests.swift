import Testing

@testable import Reporting

@Suite struct FormattingTests {
  @Test(arguments: [
    (0.0, "0"), (7.9, "7.90"), (9.996, "10.0"), (99.95, "100"), (0.021_3, "0.0213"), (999.6, "1000"),
    (12345, "12\u{202F}345"),
    (1_234_567, "1\u{202F}234\u{202F}567"), (-3.5, "−3.50"), (1e-5, "1.00e-05"), (2e15, "2.00e+15"),
  ]) func numberHasThreeSignificantDigits(value: Double, text: String) {
    #expect(Formatting.number(value) == text)
  }

  @Test(arguments: [
    (0.001_18, "s", "1.18\u{202F}ms"), (42e-6, "s", "42.0\u{202F}µs"), (0.999_96e-3, "s", "1.00\u{202F}ms"),
    (3e-10, "s", "0.300\u{202F}ns"),
    (0, "s", "0\u{202F}s"), (67_108_864, "B", "64.0\u{202F}MiB"), (8200, "1/s", "8.20\u{202F}k/s"),
    (4.2e6, "B/s", "4.20\u{202F}MB/s"),
    (2.5, "1", "2.50"), (-1.5e-6, Formatting.relative, "−1.50\u{202F}ppm"), (2, "furlong", "2.00\u{202F}furlong"),
  ]) func quantityHasItsPrefixAndUnit(value: Double, unit: String, text: String) {
    #expect(Formatting.quantity(value, unit: unit) == text)
  }

  @Test func intervalUsesThePrefixOfItsMedian() {
    #expect(Formatting.interval(0.000_9, 0.001_2, around: 0.001, unit: "s") == "[0.900–1.20]")
  }

  @Test func smallPIsABound() {
    #expect(Formatting.p(0.000_01) == "p\u{A0}<\u{A0}0.0001")
    #expect(Formatting.p(0.031_25) == "p\u{A0}=\u{A0}0.031")
  }

  @Test(arguments: [
    ("full", "paravirt", "paravirt over full"),
    ("full", "full+disk=ide-dma", "full with disk=ide-dma over full"),
    ("paravirt", "paravirt+doorbell=exit+transport=mmio", "paravirt with doorbell=exit, transport=mmio over paravirt"),
  ]) func pairOfModesIsNamedByWhatIsDifferent(a: String, b: String, words: String) {
    #expect(ForestSection.words((a, b)) == words)
  }

  @Test(arguments: [
    ("disk.randread.4k.qd1", "4\u{202F}KiB random reads, queue depth 1, closed loop", "disk.randread"),
    ("disk.seqwrite.128k.qd32", "128\u{202F}KiB sequential writes, queue depth 32, closed loop", "disk.seqwrite"),
    (
      "disk.randread.4k.qd32.null", "4\u{202F}KiB random reads, queue depth 32, closed loop, null back end",
      "disk.randread"
    ),
    ("console.write.80b", "80\u{202F}B console writes", "console.write"),
    ("platform.ipi.2vcpus.spin", "interrupts between vCPUs, 2 vCPUs, awake", "platform.ipi"),
    (
      "network.roundtrip.64b.qd1.tap", "64\u{202F}B round trips, queue depth 1, closed loop, host's network stack",
      "network.roundtrip"
    ),
    ("exits.pio.out.ring0", "port I/O to the runner, write, in ring 0", "exits.pio"),
    ("exits.fault.host.4k", "4\u{202F}KiB page faults, of the host", "exits.fault"),
    ("exits.ipi.xapic.halted", "interrupts to another vCPU, by MMIO, halted", "exits.ipi"),
    ("platform.lock.4vcpus.2cpus", "turns at a lock, 4 vCPUs, on 2 CPUs", "platform.lock"),
    ("exits.new.way", "exits.new.way", "exits.new"), ("cpu.unknown.x", "cpu.unknown.x", "cpu.unknown"), ("", "", ""),
  ]) func workloadIsNamedInWords(id: String, title: String, family: String) {
    #expect(WorkloadName(id).title == title)
    #expect(WorkloadName(id).family == family)
  }

  @Test(
    arguments: [
      ("io", "0x1f0:in", "ATA data"), ("mmio", "0xfeb00250:out", "virtio queue notify"), ("mmio", "0xdead:out", nil),
      ("mmio", "", nil), ("rdmsr", "0x10", nil),
    ] as [(String, String, String?)]) func exitPlaceIsNamedWhereItIsKnown(
      reason: String, detail: String, words: String?
    )
  {
    #expect(ExitPlace.words(reason: reason, detail: detail) == words)
  }
}
