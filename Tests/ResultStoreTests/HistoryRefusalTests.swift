import Foundation
import GRDB
import Measurement
import Testing

@testable import ResultStore

/// A file that is not what it should be is left as it is.
@Suite struct HistoryRefusalTests {
  private let scratch: Scratch
  private var path: String { "\(scratch.path)/\(History.fileName)" }

  init() throws { scratch = try Scratch() }

  private func refusal() -> HistoryError? {
    #expect(throws: HistoryError.self) { try History.open(in: scratch.path, creating: true) }
  }

  @Test func noHistoryIsSaidToBeMissing() throws {
    #expect(throws: HistoryError.missing(path: path)) { try History.open(in: scratch.path, creating: false) }
    #expect(try scratch.names() == [])
  }

  @Test func aFileThatIsNoDatabaseIsLeftAlone() throws {
    let bytes = Array("not a database, but somebody's diary\n".utf8)
    try AtomicFile.write(bytes, to: path)
    #expect(refusal() == .damaged(path: path, detail: "it is not an SQLite database"))
    #expect(try AtomicFile.read(path) == bytes)
    #expect(try scratch.names() == [History.fileName])
  }

  @Test func anotherProgramsDatabaseIsLeftAlone() throws {
    try DatabaseQueue(path: path).write { try $0.execute(sql: "PRAGMA application_id = 1; CREATE TABLE diary (day)") }
    let bytes = try AtomicFile.read(path)
    #expect(refusal() == .damaged(path: path, detail: "it is the database of another program"))
    #expect(try AtomicFile.read(path) == bytes)
  }

  @Test func aNewerHistoryIsLeftAlone() throws {
    let history = try History.open(in: scratch.path, creating: true)
    try history.queue.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('1000')") }
    try history.queue.close()
    let bytes = try AtomicFile.read(path)
    #expect(refusal() == .newer(path: path))
    #expect(try AtomicFile.read(path) == bytes)
  }

  @Test func aTornHistoryIsDamagedAndTakesNothingIn() throws {
    do {
      let history = try History.open(in: scratch.path, creating: true)
      for night in 0..<20 { try history.index(sampleNight(night, workload: "w\(night)")) }
    }
    var bytes = try AtomicFile.read(path)
    for index in bytes.indices.dropFirst(4096) { bytes[index] = 0xA5 }
    try AtomicFile.write(bytes, to: path)
    #expect(throws: HistoryError.self) {
      try History.open(in: scratch.path, creating: true).index(sampleNight(21))
    }
    #expect(try AtomicFile.read(path) == bytes)
  }

  @Test func anotherProgramsUnsignedDatabaseIsLeftAlone() throws {
    try DatabaseQueue(path: path).write { try $0.execute(sql: "CREATE TABLE diary (day)") }
    let bytes = try AtomicFile.read(path)
    #expect(refusal() == .damaged(path: path, detail: "it is the database of another program"))
    #expect(try AtomicFile.read(path) == bytes)
  }

  @Test func anEmptyFileIsNoHistory() throws {
    try AtomicFile.write([], to: path)
    #expect(refusal() == .damaged(path: path, detail: "it is not an SQLite database"))
    #expect(try AtomicFile.read(path) == [])
  }

  @Test func aFolderThatCannotBeMadeIsNamed() throws {
    try AtomicFile.write([], to: "\(scratch.path)/file")
    let error = #expect(throws: HistoryError.self) { try History.open(in: "\(scratch.path)/file", creating: true) }
    #expect(error == .inaccessible(path: "\(scratch.path)/file/history.sqlite", detail: "Not a directory"))
  }
}
