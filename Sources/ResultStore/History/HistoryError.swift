import Foundation
import GRDB

/// Why the history could not be opened, read or written. Every case names the file; the text says what to do.
public enum HistoryError: Error, Equatable, CustomStringConvertible {
  /// There is no history yet.
  case missing(path: String)
  /// The file is no database of ours, or one that SQLite finds broken.
  case damaged(path: String, detail: String)
  /// A later pvbench wrote it.
  case newer(path: String)
  /// Another process kept it for longer than anybody waits.
  case busy(path: String)
  /// The disk is full, the folder may not be written, or another call of the system failed.
  case inaccessible(path: String, detail: String)
  /// It has no run of this name.
  case unknownRun(String)
  /// A value that no history can hold: a time that is none, say.
  case notRepresentable(String)

  /// The line that the user reads.
  public var description: String {
    switch self {
    case .missing(let path):
      "there is no history at \(path) (`pvbench history import` makes one from the folders of runs)"
    case .damaged(let path, let detail):
      "\(path) is damaged: \(detail) (left as it is; move it away and rebuild it with `pvbench history import`)"
    case .newer(let path): "\(path) was written by a newer pvbench (left as it is; use that one)"
    case .busy(let path): "\(path) is in use by another process (try again)"
    case .inaccessible(let path, let detail):
      "cannot read or write \(path): \(detail) (free some space or see to its permissions; then `pvbench history import`)"
    case .unknownRun(let name): "the history has no run \(name) (`pvbench history list` names them)"
    case .notRepresentable(let detail): detail
    }
  }

  /// What an error of SQLite means for the file at `path`.
  init(_ error: any Error, path: String) {
    guard let error = error as? DatabaseError else {
      self =
        switch error {
        case let error as HistoryError: error
        case is CocoaError: .inaccessible(path: path, detail: String(cString: strerror(posixCode(of: error))))
        default: .damaged(path: path, detail: "\(error)")
        }
      return
    }
    let message = error.message ?? "\(error.resultCode)"
    self =
      switch error.resultCode {
      case .SQLITE_BUSY, .SQLITE_LOCKED: .busy(path: path)
      case .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM:
        .inaccessible(path: path, detail: message)
      default: .damaged(path: path, detail: message)
      }
  }
}
