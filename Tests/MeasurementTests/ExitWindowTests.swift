import Measurement
import Testing

@Suite("exit window")
struct ExitWindowTests {
  private func window(_ exits: [(key: ExitKey, handler: UInt64)]) -> ExitWindow {
    var recorder = ExitRecorder(tscHertz: 1_000_000_000)
    for exit in exits {
      recorder.record(exit.key, elements: 2, bytes: 8, handlerTicks: exit.handler, roundTripTicks: exit.handler * 2)
    }
    return recorder.window()
  }

  private static let port = ExitKey(reason: .io, isInput: true, address: 0x1F0)
  private static let other = ExitKey(reason: .io, isInput: true, address: 0x1F7)
  private static let halt = ExitKey(reason: .hlt)

  @Test func windowsOfTwoVCPUsAreAddedPlaceByPlace() {
    var merged = window([(Self.port, 100), (Self.halt, 5)])
    merged.merge(window([(Self.port, 300), (Self.other, 7)]))
    let counts = merged.counts
    #expect(counts.total == 4)
    #expect(counts.byReason == ["io": 3, "hlt": 1])
    #expect(counts.byDetail["io:0x1f0:in"] == ExitTally(exits: 2, elements: 4, bytes: 16, seconds: 400e-9))
    #expect(counts.byDetail["io:0x1f7:in"]?.exits == 1)
  }

  @Test func percentilesAreThoseOfAllExitsTogether() {
    let short = [(key: ExitKey, handler: UInt64)](repeating: (Self.port, 10), count: 60)
    let long = [(key: ExitKey, handler: UInt64)](repeating: (Self.port, 1000), count: 40)
    var merged = window(short)
    merged.merge(window(long))
    #expect(merged.counts.latency["io"]?.count == 100)
    #expect(merged.counts.latency["io"]?.p50 == 10e-9)
    #expect(merged.counts.latency["io"]?.p99 == 1000e-9)
    #expect(merged.counts.roundTrip["io"]?.p50 == 20e-9)
  }

  @Test func nothingMergedIsNothing() {
    #expect(ExitWindow(tscHertz: 1).counts == ExitCounts())
  }
}
