import CLinuxKVM
import Foundation
import Measurement
import Testing

@testable import Machine

/// A TSC of 1 GHz, so that a tick is a nanosecond; time begins at tick 1,000.
@Suite("time lines")
struct TimelineTests {
  private let path = NSTemporaryDirectory() + "pvbench-timeline-\(UUID().uuidString).json"

  private struct File: Decodable {
    let traceEvents: [Event]
    let otherData: [String: Int]

    struct Event: Decodable, Equatable {
      var ph = "X"
      let name: String
      let pid: Int
      let tid: Int
      var ts: Double?
      var dur: Double?
      var args: [String: String]?
    }
  }

  private static let port = ExitKey(reason: .io, isInput: true, address: 0x1F0)
  private static let bell = ExitKey(reason: .io, address: 0x5056)

  /// A guest that boots, warms up, reads a port once in its window, and reports.
  private func trace(capacity: Int = 16) -> ExitTrace {
    let trace = ExitTrace(capacity: capacity)
    let bells: [ExitTrace.Bell] = [
      .init(bell: .firstInstruction, entered: 2_000, left: 2_010), .init(bell: .ready, entered: 3_000, left: 3_010),
      .init(bell: .windowOpen, entered: 4_000, left: 4_500), .init(bell: .windowClose, entered: 9_000, left: 9_500),
      .init(bell: .done, entered: 9_900, left: 9_950),
    ]
    for bell in bells {
      if bell.bell == .windowClose { trace.add(Self.port, entered: 6_000, left: 6_200) }
      trace.add(Self.bell, entered: bell.entered, left: bell.entered + 1)
      trace.answered(bell.bell, entered: bell.entered, left: bell.left)
    }
    return trace
  }

  private func timeline(_ trace: ExitTrace, workers: [SleepTrace] = []) -> Timeline {
    Timeline(origin: 1_000, originRaw: 77, tscHertz: 1_000_000_000, vcpus: [trace], workers: workers)
  }

  private func file(_ timeline: Timeline, window: (start: UInt64, end: UInt64)? = nil) throws -> File {
    defer { unlink(path) }
    try TimelineFile.write(timeline, window: window, to: path)
    return try JSONDecoder().decode(File.self, from: Data(contentsOf: URL(filePath: path)))
  }

  private func spans(_ file: File, _ process: Int, _ thread: Int) -> [String] {
    file.traceEvents.filter { $0.ph == "X" && $0.pid == process && $0.tid == thread }
      .map { "\($0.name) \($0.ts ?? -1)+\($0.dur ?? -1)" }
  }

  @Test func phasesAreBetweenTheDoorbells() throws {
    #expect(
      spans(try file(timeline(trace())), TimelineFile.guest, 1) == [
        "boot 1.01+0.99", "warm-up 2.01+0.99", "window 3.5+4.5", "report 8.5+0.4",
      ])
  }

  @Test func theVCPUIsInTheGuestBetweenItsExits() throws {
    let file = try file(timeline(trace()))
    #expect(
      spans(file, TimelineFile.host, 1) == [
        "io 1.0+0.01", "in guest 1.01+0.99", "io 2.0+0.01", "in guest 2.01+0.99", "io 3.0+0.5", "in guest 3.5+1.5",
        "io 5.0+0.2", "in guest 5.2+2.8", "io 8.0+0.5", "in guest 8.5+0.4", "io 8.9+0.05",
      ])
    let places = file.traceEvents.compactMap { $0.args?["place"] }
    #expect(places.filter { $0 == "io:0x1f0:in" }.count == 1)
    #expect(places.count == 6)
    #expect(file.otherData["exits"] == 6 && file.otherData["dropped"] == 0)
    #expect(file.otherData["monotonic_raw_ns"] == 77 && file.otherData["tsc_hertz"] == 1_000_000_000)
  }

  @Test func tracksHaveNames() throws {
    let names = try file(timeline(trace(), workers: [SleepTrace(capacity: 1)])).traceEvents.filter { $0.ph == "M" }
    #expect(names.map { $0.args?["name"] } == ["guest", "phases", "host", "vcpu0", "io0"])
  }

  @Test func aThreadIsAwakeBetweenItsSleeps() {
    let trace = SleepTrace(capacity: 2)
    trace.begin()
    for _ in 0..<3 { pv_sleep_ends(pv_sleep_begins()) }
    trace.end()
    pv_sleep_ends(pv_sleep_begins())
    #expect(trace.sleeps.count == 2)
    #expect(trace.dropped == 1)
    let moments = [trace.began] + trace.sleeps.flatMap { [$0.from, $0.to] } + [trace.ended]
    #expect(moments == moments.sorted() && trace.began > 0)
  }

  @Test func whatDoesNotFitIsCounted() throws {
    let file = try file(timeline(trace(capacity: 3)))
    #expect(file.otherData["exits"] == 3 && file.otherData["dropped"] == 3)
    #expect(spans(file, TimelineFile.guest, 1).count == 4)
    #expect(spans(file, TimelineFile.host, 1).last == "io 3.0+0.5")
  }

  @Test func oneClockNeedsNoMapping() throws {
    let window = try #require(timeline(trace()).guestWindow(start: 4_600, end: 8_900))
    #expect(window == .init(from: 4_600, to: 8_900, offset: 0, uncertainty: 0))
    #expect(spans(try file(timeline(trace()), window: (4_600, 8_900)), TimelineFile.guest, 2) == ["measured 3.6+4.3"])
  }

  /// The guest's clock began a million ticks later, or earlier.
  @Test(arguments: [1_000_000, -1_000_000] as [Int64]) func anotherClockIsMappedIntoTheMiddle(apart: Int64) throws {
    let start = UInt64(bitPattern: 4_600 - apart)
    let end = UInt64(bitPattern: 8_900 - apart)
    try #require(end > start)
    let window = try #require(timeline(trace()).guestWindow(start: start, end: end))
    #expect(window == .init(from: 4_600, to: 8_900, offset: apart, uncertainty: 100))
  }

  @Test func aWindowThatNoMappingExplainsHasNone() throws {
    #expect(timeline(trace()).guestWindow(start: 0, end: 9_000) == nil)
    #expect(timeline(ExitTrace(capacity: 1)).guestWindow(start: 1, end: 2) == nil)
    #expect(try file(timeline(trace()), window: (0, 9_000)).otherData["guest_tsc_offset"] == nil)
  }

  @Test func nanosecondsAreWrittenExactly() {
    #expect(TraceEventWriter.microseconds(7) == "0.007")
    #expect(TraceEventWriter.microseconds(12_345_678_901) == "12345678.901")
  }

  @Test func aPlaceThatCannotBeWrittenIsNamed() throws {
    let error = #expect(throws: TraceEventWriter.WriteError.self) {
      try TimelineFile.write(timeline(trace()), window: nil, to: "/nonexistent/x.json")
    }
    #expect(error?.description == "cannot write /nonexistent/x.json: no such file or directory")
  }
}
