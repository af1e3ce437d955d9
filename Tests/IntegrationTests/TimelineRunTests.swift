import Foundation
import Measurement
import Testing

extension RealGuests {
  /// `pvbench run --timeline` on real guests, and what a viewer would be given.
  @Suite("time lines of real guests", .serialized) struct TimelineRunTests {
    private static let program = "\(TemporaryFolder.programFolder)/pvbench"

    private struct Event: Decodable {
      let ph: String
      let name: String
      let pid: Int
      let tid: Int
      let ts: Double?
      let dur: Double?
      let args: [String: String]?

      /// Nanoseconds, as they were written: sums of the format's fractions of a microsecond would not be exact.
      var from: Int { Int(((ts ?? .nan) * 1000).rounded()) }
      var to: Int { from + Int(((dur ?? .nan) * 1000).rounded()) }
      var track: [Int] { [pid, tid] }
    }

    private struct File: Decodable {
      let traceEvents: [Event]
      let otherData: [String: Int]

      var spans: [Event] { traceEvents.filter { $0.ph == "X" } }
      /// The host's process is 2; its vCPUs are the threads from 1 on, its I/O threads those from 100 on.
      var exits: [Event] { spans.filter { $0.pid == 2 && $0.tid < 100 && $0.name != "in guest" } }
      func guest(_ name: String) -> Event? { spans.first { $0.pid == 1 && $0.name == name } }
    }

    /// A run of one guest a mode with time lines, and one without.
    private static let run: Result<(folder: String, record: RunRecord), any Error> = Result {
      let folder = "\(TemporaryFolder.programFolder)/pvbench-test-timelines"
      try? FileManager.default.removeItem(atPath: folder)
      let result = try Child.run([
        program, "run", "--workload", "disk.randread.4k.qd1", "--workload", "exits.pio.out", "--quick", "--reps", "1",
        "--timeline", "--tolerate", "all", "--no-progress", "--out", folder,
      ])
      try #require(result.status == 0, "\(result.errors)")
      let name = try #require(try FileManager.default.contentsOfDirectory(atPath: folder).first)
      let bytes = TemporaryFolder.contents(of: "\(folder)/\(name)/run.json")
      return ("\(folder)/\(name)", try JSONDecoder().decode(RunRecord.self, from: Data(bytes)))
    }

    /// Every repetition with its file.
    private static func all() throws -> [(repetition: RepetitionRecord, file: File)] {
      let (folder, record) = try run.get()
      return try record.cells.flatMap(\.repetitions).map { repetition in
        let name = String(format: "%05d.json", repetition.order)
        let bytes = TemporaryFolder.contents(of: "\(folder)/timelines/\(name)")
        return (repetition, try JSONDecoder().decode(File.self, from: Data(bytes)))
      }
    }

    @Test func everyRepetitionHasAFileAndNothingElseIsThere() throws {
      let (folder, record) = try Self.run.get()
      let repetitions = record.cells.flatMap(\.repetitions)
      #expect(repetitions.count == 4)
      #expect(repetitions.allSatisfy { $0.status == .ok })
      let files = try FileManager.default.contentsOfDirectory(atPath: folder + "/timelines")
      #expect(files.sorted() == repetitions.map(\.order).sorted().map { String(format: "%05d.json", $0) })
    }

    @Test func exitsAreAsManyAsTheLoopHasCounted() throws {
      for (repetition, file) in try Self.all() {
        #expect(file.otherData["dropped"] == 0)
        #expect(file.otherData["exits"] == file.exits.count)
        #expect(repetition.metrics["exits.loop_total"] == Double(file.exits.count))
      }
    }

    @Test func exitsOfTheWindowAreThoseOfTheRecord() throws {
      for (repetition, file) in try Self.all() {
        let window = try #require(file.guest("window"))
        let inside = file.exits.filter { $0.from >= window.from && $0.to <= window.to }
        #expect(UInt64(inside.count) == repetition.exits.total)
        let ports = inside.filter { $0.args?["place"] == "io:0x1f0:in" }.count
        #expect(UInt64(ports) == repetition.exits.byDetail["io:0x1f0:in"]?.exits ?? 0)
      }
    }

    /// What is in a phase is wholly in it; what is in none is a doorbell between two.
    @Test func phasesContainTheirExits() throws {
      for (_, file) in try Self.all() {
        let phases = try ["boot", "warm-up", "window", "report"].map { try #require(file.guest($0)) }
        #expect(zip(phases, phases.dropFirst()).allSatisfy { $0.to < $1.from })
        let between = file.exits.filter { exit in !phases.contains { $0.from <= exit.from && exit.to <= $0.to } }
        #expect(between.allSatisfy { exit in !phases.contains { exit.from < $0.to && $0.from < exit.to } })
        #expect(between.count == phases.count + 1)
        #expect(between.allSatisfy { $0.args?["place"] == "io:0x5056:out" })
      }
    }

    @Test func theGuestsOwnWindowIsInTheHosts() throws {
      for (_, file) in try Self.all() {
        let (own, window) = (try #require(file.guest("measured")), try #require(file.guest("window")))
        #expect(window.from <= own.from && own.to <= window.to)
        #expect(file.otherData["guest_tsc_uncertainty"] != nil)
      }
    }

    @Test func spansOfAThreadFollowOneAnother() throws {
      for (_, file) in try Self.all() {
        for track in Set(file.spans.map(\.track)) {
          let spans = file.spans.filter { $0.track == track }
          #expect(spans.allSatisfy { $0.from >= 0 && $0.to >= $0.from })
          #expect(zip(spans, spans.dropFirst()).allSatisfy { $0.to <= $1.from })
        }
      }
    }

    @Test func threadsOfDisksSleepAndWake() throws {
      let cell = try #require(
        try Self.run.get().record.cells.first { $0.workload == "disk.randread.4k.qd1" && $0.mode == "paravirt" })
      let order = try #require(cell.repetitions.first?.order)
      let file = try #require(try Self.all().first { $0.repetition.order == order }?.file)
      let thread = file.spans.filter { $0.pid == 2 && $0.tid >= 100 }
      #expect(thread.contains { $0.name == "awake" } && thread.contains { $0.name == "asleep" })
      #expect(Set(thread.map(\.name)) == ["awake", "asleep"])
    }

    @Test func withoutTheFlagThereIsNone() throws {
      let folder = try TemporaryFolder()
      let result = try Child.run([
        Self.program, "run", "--workload", "exits.empty", "--mode", "full", "--quick", "--reps", "1", "--tolerate",
        "all", "--no-progress", "--out", folder.path,
      ])
      #expect(result.status == 0, "\(result.errors)")
      let name = try #require(try FileManager.default.contentsOfDirectory(atPath: folder.path).first)
      #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/\(name)/timelines"))
    }
  }
}
