import Measurement
import Testing

@testable import Campaign

struct ResultTableTests {
  private func cell(_ mode: String, _ values: [Double], skipped reason: String? = nil) -> CellRecord {
    var repetitions = values.enumerated().map {
      RepetitionRecord(index: $0, order: $0, status: .ok, metrics: ["throughput.ops": $1])
    }
    if let reason { repetitions.append(RepetitionRecord(index: 0, order: 9, status: .skipped, reason: reason)) }
    return CellRecord(
      suite: "disk", workload: "disk.w", mode: mode, choices: [:], primary: "throughput.ops", warmupSeconds: 0,
      repetitions: repetitions)
  }

  private func table(_ cells: [CellRecord], _ comparisons: [ComparisonRecord] = []) -> String {
    ResultTable(
      RunRecord(
        id: "r", started: "", finished: nil, status: .complete, command: [], version: "", seed: 1,
        host: HostServices.fixed.record(1, "", ""), cells: cells, comparisons: comparisons, metrics: [])
    ).text
  }

  @Test func mediansRatioAndVerdictStandInOneLine() {
    let side = SideRecord(n: 3, median: nil, low: nil, high: nil)
    let comparison = ComparisonRecord(
      suite: "disk", workload: "disk.w", mode: "full:paravirt", metric: "throughput.ops", unit: "1/s", better: .higher,
      a: side, b: side, ratio: 47.13, ratioLow: 40, ratioHigh: 52.25, p: 0.01, pHolm: 0.01, test: "", mde: nil,
      verdict: .noChangeFound, reason: nil)
    #expect(
      table([cell("full", [810, 812.4, 900]), cell("paravirt", [38_000, 38_290, 40_000])], [comparison]) == """
        WORKLOAD    full  paravirt  RATIO  95 % INTERVAL  VERDICT
        disk.w    812 /s  38.3 k/s  47.1×  [40–52.2]      no change found

        """)
  }

  @Test func skippedCellsSayWhy() {
    #expect(
      table([cell("full", [], skipped: "IDE has queue depth 1 only")]) == """
        WORKLOAD     full  RATIO  95 % INTERVAL  VERDICT
        disk.w    skipped
          disk.w full: skipped: IDE has queue depth 1 only

        """)
  }

  @Test func manyModesHaveALineEach() {
    let side = SideRecord(n: 3, median: nil, low: nil, high: nil)
    let comparison = ComparisonRecord(
      suite: "disk", workload: "disk.w", mode: "full:full+cpuid=kvm", metric: "throughput.ops", unit: "1/s",
      better: .higher, a: side, b: side, ratio: 1.01, ratioLow: 0.99, ratioHigh: 1.03, p: 0.5, pHolm: 1, test: "",
      mde: nil, verdict: .noChangeFound, reason: nil)
    let cells = ["full", "full+cpuid=kvm", "paravirt+cpuid=hidden", "paravirt"].map { cell($0, [800, 810, 820]) }
    #expect(
      table(cells, [comparison]) == """
        WORKLOAD  MODE                   MEDIAN  OVER  RATIO  95 % INTERVAL  VERDICT
        disk.w    full                   810 /s
        disk.w    full+cpuid=kvm         810 /s  full  1.01×  [0.99–1.03]    no change found
        disk.w    paravirt+cpuid=hidden  810 /s
        disk.w    paravirt               810 /s

        """)
  }

  @Test func anotherRunnerHasALineOfItsOwn() {
    let side = SideRecord(n: 3, median: nil, low: nil, high: nil)
    func comparison(_ mode: String, _ ratio: Double) -> ComparisonRecord {
      ComparisonRecord(
        suite: "disk", workload: "disk.w", mode: mode, metric: "throughput.ops", unit: "1/s", better: .higher, a: side,
        b: side, ratio: ratio, ratioLow: nil, ratioHigh: nil, p: 0.5, pHolm: 1, test: "", mde: nil,
        verdict: .noChangeFound, reason: nil)
    }
    let cells = ["full", "full@qemu", "paravirt", "paravirt@qemu"].map { cell($0, [800, 810, 820]) }
    #expect(
      table(cells, [comparison("full:paravirt", 2), comparison("paravirt@qemu:paravirt", 3)]) == """
        WORKLOAD  MODE           MEDIAN  OVER           RATIO  95 % INTERVAL  VERDICT
        disk.w    full           810 /s
        disk.w    full@qemu      810 /s
        disk.w    paravirt       810 /s  full              2×                 no change found
        disk.w    paravirt       810 /s  paravirt@qemu     3×                 no change found
        disk.w    paravirt@qemu  810 /s

        """)
  }

  @Test func anInterpreterIsCalledNoMeasurement() {
    #expect(
      table([cell("full@qemu-tcg", [800])]) == """
        WORKLOAD  full@qemu-tcg  RATIO  95 % INTERVAL  VERDICT
        disk.w           800 /s
          qemu-tcg: an interpreter ran these guests; no measurement of hardware

        """)
  }
}
