import Measurement
import Testing

@testable import Reporting

@Suite("what load costs") struct CapacityTests {
  private func cell(_ suite: String, _ metrics: [[String: Double]]) -> CellSummary {
    CellSummary(
      CellRecord(
        suite: suite, workload: "\(suite).w", mode: "full", choices: [:], primary: "throughput.ops", warmupSeconds: 0,
        repetitions: metrics.enumerated().map {
          RepetitionRecord(index: $0, order: $0, status: .ok, metrics: $1)
        }))
  }

  @Test func aGibibyteIsPaidForByTheWindowsBytes() throws {
    // 2 s of CPU while 0.5 GiB a second moved for 8 s.
    let prices = Price.all(
      cell("disk", [["host.cpu_seconds": 2, "throughput.bytes": 536_870_912, "window.seconds": 8]]))
    #expect(prices.map(\.per) == [.gibibyte])
    #expect(prices[0].side.median == 0.5)
  }

  @Test func aSecondOfArithmeticIsPaidForByTheWindow() {
    let prices = Price.all(cell("cpu", [["host.cpu_seconds": 3, "window.seconds": 2]]))
    #expect(prices.map(\.per) == [.second])
    #expect(prices[0].side.median == 1.5)
  }

  @Test func nothingMovedCostsNothingThatCouldBeNamed() {
    #expect(Price.all(cell("disk", [["host.cpu_seconds": 2, "throughput.bytes": 0, "window.seconds": 8]])).isEmpty)
    #expect(Price.all(cell("disk", [])).isEmpty)
  }

  @Test func theIntervalIsThatOfTheBoots() {
    let side = Price.all(cell("network", (1...6).map { ["host.cpu_seconds_per_op": Double($0)] }))[0].side
    #expect(side == SideRecord(n: 6, median: 3.5, low: 1, high: 6))
  }

  @Test func theTableMultipliesThePriceByTheRate() throws {
    let run = try Golden.run()
    let section = try #require(CapacitySection(run, cells: run.cells.map(CellSummary.init)))
    let cell = try #require(section.rows[0].cells.first)
    let price = try #require(Double(cell.exact))
    #expect(cell.processors == Formatting.number(price * 10_000))
    #expect(section.rows[1].cells.map(\.price) == [nil, section.rows[1].cells[1].price])
  }

  @Test func aRunThatPricesNothingHasNoSection() throws {
    var run = try Golden.run()
    run.cells = []
    let section = CapacitySection(run, cells: [])
    #expect(section.map(\.rows.count) == nil)
  }
}
