import Foundation
import Measurement

/// A run on disk: `run.json`, `plan.json`, `repetitions/`, `guest-logs/` and the reports beside them.
public struct RunFolder: Sendable, Equatable {
  /// Where it is.
  public let path: String

  /// The run's id: the folder's name.
  public var id: String { URL(filePath: path).standardizedFileURL.lastPathComponent }

  /// Makes `parent` where it is missing, and in it a folder for a new run.
  ///
  /// - Throws: `StoreError.cannotWrite`.
  public static func create(in parent: String, host: String, started: Date = Date()) throws(StoreError) -> RunFolder {
    do {
      try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
    } catch {
      throw .cannotWrite(path: parent, code: posixCode(of: error), run: nil)
    }
    for attempt in 1... {
      let name = RunName.make(host: host, started: started, suffix: UInt16.random(in: .min ... .max))
      let path = "\(parent)/\(name)"
      guard mkdir(path, 0o777) == 0 else {
        // mkdir decides atomically which of two runs that began in the same second owns a name.
        if errno == EEXIST, attempt < 64 { continue }
        throw .cannotWrite(path: path, code: errno, run: nil)
      }
      for folder in ["repetitions", "guest-logs"] {
        guard mkdir("\(path)/\(folder)", 0o777) == 0 else {
          throw .cannotWrite(path: "\(path)/\(folder)", code: errno, run: nil)
        }
      }
      return RunFolder(path: path)
    }
    throw .cannotWrite(path: parent, code: EEXIST, run: nil)
  }

  /// Opens an existing run.
  ///
  /// - Throws: `StoreError.notARun` where `path` is no folder or holds neither `run.json` nor `plan.json`.
  public static func open(_ path: String) throws(StoreError) -> RunFolder {
    let holdsRun = ["run.json", "plan.json"].contains { FileManager.default.fileExists(atPath: "\(path)/\($0)") }
    guard holdsRun else { throw .notARun(path: path) }
    return RunFolder(path: path)
  }

  /// Opens the run that a user names: by path, or by its id in `parent`.
  ///
  /// - Throws: `StoreError.notARun`.
  public static func find(_ name: String, in parent: String) throws(StoreError) -> RunFolder {
    if let run = try? open(name) { return run }
    guard !name.isEmpty, !name.contains("/"), !name.hasPrefix(".") else { throw .notARun(path: name) }
    do { return try open("\(parent)/\(name)") } catch { throw .notARun(path: name) }
  }

  // MARK: Files

  /// The path of a file in the run's folder.
  public func file(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes a report or another file of the run, atomically.
  public func write(_ bytes: [UInt8], to name: String) throws(StoreError) {
    try AtomicFile.write(bytes, to: file(name), run: path)
  }

  /// Writes `run.json`.
  public func writeRun(_ run: RunRecord) throws(StoreError) {
    try write(try StoredJSON.encode(run, pretty: true, for: file("run.json")), to: "run.json")
  }

  /// Reads `run.json`.
  ///
  /// - Throws: `StoreError.cannotRead`, `.newerSchema`, `.damaged`.
  public func readRun() throws(StoreError) -> RunRecord {
    try StoredJSON.read(RunRecord.self, from: file("run.json"), schema: RunRecord.schema)
  }

  /// Writes `plan.json`, whose content only the campaign understands.
  public func writePlan(_ plan: [UInt8]) throws(StoreError) { try write(plan, to: "plan.json") }

  /// Reads `plan.json` as it was written.
  public func readPlan() throws(StoreError) -> [UInt8] { try AtomicFile.read(file("plan.json")) }

  /// Writes what the guest of repetition `order` said to `guest-logs/NNNNN.log`, made harmless for terminals.
  public func writeGuestLog(_ lines: [String], order: Int) throws(StoreError) {
    try write(GuestLog.bytes(of: lines), to: "guest-logs/\(try RepetitionFile.stem(order: order)).log")
  }

  /// Deletes temporary files of a writer that died.
  public func removeLeftovers() {
    for folder in ["", "repetitions", "guest-logs", "timelines"] {
      for name in (try? FileManager.default.contentsOfDirectory(atPath: "\(path)/\(folder)")) ?? []
      where name.hasPrefix(AtomicFile.temporaryPrefix) {
        unlink("\(path)/\(folder)/\(name)")
      }
    }
  }
}

/// The error number inside one of Foundation's errors; EIO where there is none.
func posixCode(of error: any Error) -> Int32 {
  let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
  for candidate in [underlying, error as NSError] {
    if let candidate, candidate.domain == NSPOSIXErrorDomain { return Int32(candidate.code) }
  }
  switch (error as? CocoaError)?.code {
  case .fileWriteNoPermission, .fileReadNoPermission: return EACCES
  case .fileWriteOutOfSpace: return ENOSPC
  case .fileWriteVolumeReadOnly: return EROFS
  case .fileWriteFileExists: return ENOTDIR
  case .fileNoSuchFile, .fileReadNoSuchFile: return ENOENT
  default: return EIO
  }
}
