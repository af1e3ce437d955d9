import Foundation
import Testing

@testable import Campaign

@Suite("what sysbench prints")
struct SysbenchToolTests {
  /// A console of a test of the processor with this histogram, as sysbench 1.0.20 writes it, cut to what is read.
  private func console(_ buckets: [(String, Int)], events: Int? = nil) -> String {
    let rows = buckets.map { "       \($0.0) |*****     \($0.1)" }.joined(separator: "\n")
    let total = events ?? buckets.reduce(0) { $0 + $1.1 }
    return """
      Latency histogram (values are in milliseconds)
             value  ------------- distribution ------------- count
      \(rows)
       
      CPU speed:
          events per second:   500.50

      General statistics:
          total number of events:              \(total)

      Latency (ms):
               avg:                                    2.00
               sum:                                 2000.00

      """
  }

  @Test func theProcessorsTestHasRateAndMean() throws {
    let metrics = try SysbenchTool.metrics(try RecordedConsole.sysbenchCPU.text())
    #expect(metrics["throughput.ops"] == 30.99)
    #expect(metrics["latency.mean"] == 3.04946 / 101)
    #expect(metrics["throughput.bytes"] == nil)
  }

  @Test func theMemorysTestHasBytesToo() throws {
    let metrics = try SysbenchTool.metrics(try RecordedConsole.sysbenchMemory.text())
    #expect(metrics["throughput.ops"] == 2593.12)
    #expect(metrics["throughput.bytes"] == 2593.12 * 1_048_576)
  }

  @Test func percentilesAreThoseOfTheHistogram() throws {
    let metrics = try SysbenchTool.metrics(console([("1.500", 600), ("2.500", 391), ("4.000", 9)]))
    #expect(
      metrics == ["throughput.ops": 500.5, "latency.mean": 2e-3, "latency.p50": 1.5e-3, "latency.p99": 2.5e-3])
  }

  @Test func percentilesNeedSamplesEnough() throws {
    let metrics = try SysbenchTool.metrics(console([("1.500", 60), ("2.500", 40)]))
    #expect(metrics["latency.p50"] == 1.5e-3)
    #expect(metrics["latency.p99"] == nil)
  }

  /// Its first bucket has whatever took less, too.
  @Test func lessThanAMicrosecondIsNoPercentile() throws {
    let metrics = try SysbenchTool.metrics(console([("0.001", 600), ("2.500", 400)]))
    #expect(metrics["latency.p50"] == nil)
    #expect(metrics["latency.p99"] == 2.5e-3)
  }

  @Test func aHistogramThatLacksEventsIsUnreadable() {
    #expect(throws: ToolOutputError.unreadable) { try SysbenchTool.metrics(console([("1.500", 600)], events: 601)) }
  }

  @Test(arguments: ["1e300", "600.5", "-600", "18446744073709551616"])
  func aNumberOfEventsThatCannotBeIsUnreadable(events: String) {
    let broken = console([("1.500", 600)]).replacingOccurrences(of: "   600\n", with: "   \(events)\n")
    #expect(throws: ToolOutputError.unreadable) { try SysbenchTool.metrics(broken) }
  }

  @Test func aHistogramOfMoreEventsThanAnyoneCanCountIsUnreadable() {
    let broken = console([("1.500", .max), ("2.500", .max), ("4.000", 602)], events: 600)
    #expect(throws: ToolOutputError.unreadable) { try SysbenchTool.metrics(broken) }
  }

  @Test(arguments: ["nan", "inf", "-1", "x", ""]) func aRateThatIsNoNumberIsUnreadable(rate: String) {
    let broken = console([("1.500", 600)]).replacingOccurrences(of: "500.50", with: rate)
    #expect(throws: ToolOutputError.unreadable) { try SysbenchTool.metrics(broken) }
  }

  @Test func whatItSaysOfItsFailureIsTheReason() {
    #expect(throws: ToolOutputError.failed("Invalid value for memory-oper: foo")) {
      try SysbenchTool.metrics("sysbench 1.0.20\n\nFATAL: Invalid value for memory-oper: foo\n")
    }
  }
}
