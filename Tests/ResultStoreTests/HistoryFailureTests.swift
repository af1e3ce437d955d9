import Foundation
import GRDB
import Measurement
import Testing

@testable import ResultStore

/// What happens to a history that processes share, that die, or have no room or no right to write. Each is a process of its
/// own, for limits, rights and deaths are a process's.
@Suite struct HistoryFailureTests {
  private let scratch: Scratch

  init() throws {
    scratch = try Scratch()
    try History.open(in: scratch.path, creating: true).index(sampleNight(1))
  }

  private func runs() throws -> [String] {
    let history = try History.open(in: scratch.path, creating: false)
    #expect(try history.faults() == [])
    return try history.runs().map(\.id)
  }

  @Test func aProcessThatIsKilledWhileItIndexesLeavesNothingOfThatRun() async throws {
    let path = scratch.path
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
      let history = try History.open(in: path, creating: true)
      history.queue.inDatabase { $0.trace { if "\($0)".contains("INTO point") { kill(getpid(), SIGKILL) } } }
      try history.index(sampleNight(2))
    }
    #expect(try runs() == ["run-1"])
    try History.open(in: path, creating: true).index(sampleNight(2))
    #expect(try runs() == ["run-1", "run-2"])
  }

  @Test func aFullDiskCostsTheRunThatFindsNoRoom() async throws {
    let path = scratch.path
    await #expect(processExitsWith: .success) { [path = path as String] in
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 256 << 10, rlim_max: 256 << 10)
      setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      let history = try History.open(in: path, creating: true)
      var night = sampleNight(2)
      night.cells[0].observations["throughput.ops"]?.values = [Double](repeating: 1, count: 100_000)
      let error = #expect(throws: HistoryError.self) { try history.index(night) }
      #expect(error?.description.hasPrefix("cannot read or write \(path)/history.sqlite: ") == true)
      try history.index(sampleNight(3))
    }
    #expect(try runs() == ["run-1", "run-3"])
  }

  @Test func aFullDiskKeepsNobodyFromReading() async throws {
    let path = scratch.path
    await #expect(processExitsWith: .success) { [path = path as String] in
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 0, rlim_max: 0)
      setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      let history = try History.open(in: path, creating: false)
      #expect(try history.runs().map(\.id) == ["run-1"])
      #expect(!history.isWritable)
    }
    #expect(try runs() == ["run-1"])
  }

  @Test func withoutTheRightToWriteAHistoryIsRead() async throws {
    let path = scratch.path
    #expect(chmod(path, 0o555) == 0)
    await #expect(processExitsWith: .success) { [path = path as String] in
      // Root may write everywhere; nobody else may be anybody else.
      _ = setuid(65_534)
      let history = try History.open(in: path, creating: true)
      #expect(!history.isWritable)
      #expect(try history.runs().map(\.id) == ["run-1"])
      #expect(
        try history.scan(try history.series()) { ($1, $2 ?? SeriesProgress(next: 0, candidates: [])) }
          == [[1]])
      #expect(throws: HistoryError.self) { try history.index(sampleNight(2)) }
    }
    #expect(chmod(path, 0o755) == 0)
    #expect(try runs() == ["run-1"])
  }

  @Test func whoMayOnlyReadSeesWhatIsWrittenMeanwhile() async throws {
    let path = scratch.path
    let history = try History.open(in: path, creating: true)
    try history.index(sampleNight(2))
    #expect(chmod(path, 0o555) == 0)
    await #expect(processExitsWith: .success) { [path = path as String] in
      _ = setuid(65_534)
      let seen = try History.open(in: path, creating: true)
      #expect(try seen.runs().map(\.id) == ["run-1", "run-2"])
    }
    #expect(chmod(path, 0o755) == 0)
    #expect(try history.runs().count == 2)
  }

  @Test func aFullDiskStopsNoSearch() throws {
    let history = try History.open(in: scratch.path, creating: true)
    try history.queue.inDatabase {
      try $0.execute(sql: "CREATE TRIGGER full BEFORE INSERT ON progress BEGIN SELECT RAISE(ABORT, 'full'); END")
    }
    #expect(
      try history.scan(try history.series()) { _, values, _ in
        (values, SeriesProgress(next: 1, candidates: []))
      } == [[1]])
  }

  /// Each is the first to open it, too.
  @Test func processesWaitForEachOther() async throws {
    let path = scratch.path + "/new"
    await withTaskGroup { group in
      for writer in 1...3 {
        group.addTask {
          await #expect(processExitsWith: .success) { [path = path as String, writer = writer as Int] in
            let history = try History.open(in: path, creating: true)
            for night in 0..<10 { try history.index(sampleNight(night, id: "run-\(writer)-\(night)")) }
          }
        }
      }
    }
    let history = try History.open(in: path, creating: false)
    #expect(try history.runs().count == 30)
    #expect(try history.faults() == [])
    #expect(try scratch.names("new").filter { $0.hasPrefix(AtomicFile.temporaryPrefix) } == [])
  }
}
