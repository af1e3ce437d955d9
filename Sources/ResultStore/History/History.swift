import Foundation
import GRDB

/// `history.sqlite`: an index of runs, night by night. It holds nothing that the folders of runs do not: whatever happens to
/// it, `history import` makes it anew. Every change is one transaction, in a write-ahead log; other processes wait for it.
public struct History: Sendable {
  /// The database's name in the folder of runs.
  public static let fileName = "history.sqlite"
  /// How long a process waits for another one's transaction, in seconds.
  static let patience: TimeInterval = 30
  /// Of pages that a transaction changes, in KiB.
  private static let cacheSize = 32 << 10

  /// Where it is.
  public let path: String
  /// False where the folder may only be read.
  public let isWritable: Bool
  let queue: DatabaseQueue

  /// Opens the history of a folder of runs, and makes it, or brings it up to date, where it may be written.
  ///
  /// - Parameter creating: whether to make one where there is none. Without, one that cannot be written is still read.
  /// - Throws: `.missing`, `.damaged`, `.newer`: the file is as it was then; `.busy`, `.inaccessible`.
  public static func open(in folder: String, creating: Bool) throws(HistoryError) -> History {
    let path = "\(folder)/\(fileName)"
    if access(path, F_OK) != 0 {
      guard creating else { throw .missing(path: path) }
      try HistoryFile.create(path, in: folder)
    }
    try HistoryFile.check(path)
    do {
      guard access(folder, W_OK) == 0, access(path, W_OK) == 0 else { return try openToRead(path) }
      do {
        return try openToWrite(path)
      } catch let error as DatabaseError where !creating && cannotMakeLog(error) {
        // A full disk has no room for a log; who wants to read what is there shall.
        return try openToRead(path)
      }
    } catch {
      throw HistoryError(error, path: path)
    }
  }

  private static func cannotMakeLog(_ error: DatabaseError) -> Bool {
    [.SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_IOERR, .SQLITE_FULL].contains(error.resultCode)
  }

  private static func openToWrite(_ path: String) throws -> History {
    var configuration = Configuration()
    configuration.busyMode = .timeout(patience)
    let history = History(
      path: path, isWritable: true, queue: try DatabaseQueue(path: path, configuration: configuration))
    try history.queue.inDatabase { db in
      // GRDB's own choice may lose the last commits in a power cut; one sync a run is cheap.
      try db.execute(sql: "PRAGMA synchronous = FULL")
      // A run is a page of every series: what does not fit into the cache (KiB) goes to the log and is read again.
      try db.execute(sql: "PRAGMA cache_size = -\(cacheSize)")
    }
    try history.refuseNewer()
    try HistorySchema.migrator.migrate(history.queue)
    return history
  }

  private static func openToRead(_ path: String) throws -> History {
    var configuration = Configuration()
    configuration.readonly = true
    configuration.busyMode = .timeout(patience)
    do {
      let history = History(
        path: path, isWritable: false, queue: try DatabaseQueue(path: path, configuration: configuration))
      try history.refuseNewer()
      return history
    } catch let error as DatabaseError where cannotMakeLog(error) && HistoryFile.isWhole(path) {
      // No log can be made beside the file, and there is none with anything in it: nobody has it open who could change it
      // ("Write-Ahead Logging", section 8, "Read-Only Databases").
      let escaped = path.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? path
      let history = History(
        path: path, isWritable: false,
        queue: try DatabaseQueue(path: "file:\(escaped)?immutable=1", configuration: configuration))
      try history.refuseNewer()
      return history
    }
  }

  private func refuseNewer() throws {
    guard try !queue.read(HistorySchema.migrator.hasBeenSuperseded) else { throw HistoryError.newer(path: path) }
  }

  // MARK: Transactions

  func read<Value>(_ body: (Database) throws -> Value) throws(HistoryError) -> Value {
    do { return try queue.read(body) } catch { throw HistoryError(error, path: path) }
  }

  func write<Value>(_ body: (Database) throws -> Value) throws(HistoryError) -> Value {
    do { return try queue.write(body) } catch { throw HistoryError(error, path: path) }
  }
}
