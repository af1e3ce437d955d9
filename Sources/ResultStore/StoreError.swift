import Foundation

/// Why something on disk could not be written, read or understood. Every case names the path; the text says what to do.
public enum StoreError: Error, Equatable, CustomStringConvertible {
  /// A system call failed while writing. `run` is the folder to resume, where finished repetitions are safe in it.
  case cannotWrite(path: String, code: Int32, run: String?)
  /// A system call failed while reading.
  case cannotRead(path: String, code: Int32)
  /// The folder is not a run.
  case notARun(path: String)
  /// A later pvbench wrote it.
  case newerSchema(path: String, found: Int, known: Int)
  /// The file is there and its JSON is not what it should be.
  case damaged(path: String, detail: String)
  /// A value that JSON cannot hold (an infinity, say): a mistake of the caller.
  case notRepresentable(path: String, detail: String)
  /// A record's number that cannot be part of a file name.
  case invalidOrder(Int)

  /// The line that the user reads.
  public var description: String {
    switch self {
    case .cannotWrite(let path, let code, let run):
      "cannot write \(path): \(Self.words(code))\(Self.advice(code, run: run))"
    case .cannotRead(let path, let code):
      "cannot read \(path): \(Self.words(code))"
    case .notARun(let path):
      "\(path) is not a run (expected a folder with run.json or plan.json, made by `pvbench run`)"
    case .newerSchema(let path, let found, let known):
      "\(path) has schema \(found), this pvbench knows up to \(known) (use a newer pvbench)"
    case .damaged(let path, let detail):
      "\(path) is damaged: \(detail) (delete a damaged repetition and --resume to repeat it)"
    case .notRepresentable(let path, let detail):
      "cannot write \(path): \(detail)"
    case .invalidOrder(let order):
      "cannot store repetition \(order): the number must be 0 to \(RepetitionFile.maximumOrder)"
    }
  }

  /// The system's words for `code`, beginning in lower case as the middle of a sentence should.
  private static func words(_ code: Int32) -> String {
    let text = String(cString: strerror(code))
    return text.prefix(1).lowercased() + text.dropFirst()
  }

  private static func advice(_ code: Int32, run: String?) -> String {
    let kept = run.map { "finished repetitions are kept; resume with --resume \($0)" }
    let first: String? =
      switch code {
      case ENOSPC, EDQUOT: "free some space"
      case EACCES, EPERM, EROFS: "choose a folder that you may write with --out"
      default: nil
      }
    let parts = [first, kept].compactMap { $0 }
    return parts.isEmpty ? "" : " (\(parts.joined(separator: "; ")))"
  }
}
