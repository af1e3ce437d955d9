import Foundation
import GRDB

/// The database as a file: how it comes to be, and how one that is not ours is known before SQLite may touch it, which would
/// make a database of an empty file, and a log beside anybody's.
enum HistoryFile {
  // SQLite, "Database File Format", section 1.3.
  private static let length = 100
  private static let magic = Array("SQLite format 3\0".utf8)
  private static let applicationID = 68..<72

  /// Makes an empty history. It has its name only once it is whole, so that no other process, and nobody after a crash, ever
  /// sees half of one; where another process was faster, that one's stays.
  ///
  /// - Throws: `HistoryError.inaccessible`.
  static func create(_ path: String, in folder: String) throws(HistoryError) {
    let temporary =
      "\(folder)/\(AtomicFile.temporaryPrefix)\(getpid())-\(String(UInt64.random(in: .min ... .max), radix: 16))"
    defer {
      for suffix in ["", "-journal", "-wal", "-shm"] { unlink(temporary + suffix) }
    }
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      let queue = try DatabaseQueue(path: temporary)
      try HistorySchema.migrator.migrate(queue)
      // The file remembers that. GRDB's own way to say it writes to whatever file it opens.
      try queue.inDatabase { try $0.execute(sql: "PRAGMA journal_mode = WAL") }
      try queue.close()
    } catch {
      throw HistoryError(error, path: path)
    }
    guard link(temporary, path) == 0 || errno == EEXIST else {
      throw .inaccessible(path: path, detail: String(cString: strerror(errno)))
    }
    // The name has to outlive a power cut as the content does.
    do { try OwnedFile(opening: folder, O_RDONLY | O_DIRECTORY).sync() } catch {
      throw .inaccessible(path: path, detail: "\(error)")
    }
  }

  /// - Throws: `HistoryError.damaged` for a file that is no history, `.inaccessible` for one that may not be read.
  static func check(_ path: String) throws(HistoryError) {
    guard access(path, R_OK) == 0 else {
      throw .inaccessible(path: path, detail: String(cString: strerror(errno)))
    }
    let bytes = (try? FileHandle(forReadingAtPath: path)?.read(upToCount: length)).map(Array.init) ?? []
    guard bytes.starts(with: magic), bytes.count == length else {
      throw .damaged(path: path, detail: "it is not an SQLite database")
    }
    guard bytes[applicationID].reduce(UInt32(0), { $0 << 8 | UInt32($1) }) == UInt32(HistorySchema.applicationID)
    else { throw .damaged(path: path, detail: "it is the database of another program") }
  }

  /// Whether everything is in the file itself, and nothing in a write-ahead log beside it.
  static func isWhole(_ path: String) -> Bool {
    let log = try? FileManager.default.attributesOfItem(atPath: path + "-wal")[.size] as? UInt64
    return log ?? 0 == 0
  }
}
