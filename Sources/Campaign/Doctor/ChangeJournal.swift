import Foundation
import HostTopology
import ResultStore

/// A setting of the host that pvbench changed.
public struct SettingChange: Codable, Equatable, Sendable {
  /// The file.
  public let path: String
  /// What it was.
  public let old: String
  /// What pvbench wrote.
  public let new: String
}

/// What pvbench changed on a host, on disk before the first change is made. It has one of two names: *unfinished* while changes
/// are being made or taken back, *applied* between. Whoever finds the first one with nobody at work takes everything back;
/// going from one to the other is a rename, which needs no space on the disk.
struct ChangeJournal: Codable, Equatable {
  /// The version of the format.
  var schema = 1
  /// The kernel's id of this boot: with another one, every setting is the kernel's own again.
  let boot: String
  var changes: [SettingChange]
}

/// The folder that journals lie in.
struct JournalFolder: Sendable {
  let path: String

  var unfinished: String { path + "/host-changes-unfinished.json" }
  var applied: String { path + "/host-changes.json" }
  private var lockFile: String { path + "/host-changes.lock" }

  /// The journal at `file`; nil where there is none.
  func read(_ file: String) throws(CampaignError) -> ChangeJournal? {
    guard FileManager.default.fileExists(atPath: file) else { return nil }
    do {
      let journal = try JSONDecoder().decode(ChangeJournal.self, from: Data(try AtomicFile.read(file)))
      guard journal.schema == 1 else {
        throw CampaignError.failure("\(file) was written by a later pvbench (use that one to restore)")
      }
      return journal
    } catch let error as DecodingError {
      throw .failure("\(file) is damaged: \(error.localizedDescription) (it lists host settings to put back; see it)")
    } catch {
      throw .failure("\(error)")
    }
  }

  /// Puts `journal` on the medium as the unfinished one.
  func write(_ journal: ChangeJournal) throws(CampaignError) {
    do {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
      try AtomicFile.write(Array(try encoder.encode(journal)), to: unfinished)
    } catch {
      throw .failure("\(error)")
    }
  }

  /// Gives the journal `file` its other name.
  func rename(_ file: String, to other: String) throws(CampaignError) {
    guard Glibc.rename(file, other) == 0 else { throw Self.failure("rename", file) }
    try sync()
  }

  /// Both journals are over. The unfinished one goes last: as long as it is there, everything is taken back again.
  func clear() throws(CampaignError) {
    for file in [applied, unfinished] where unlink(file) != 0 && errno != ENOENT {
      throw Self.failure("remove", file)
    }
    try sync()
  }

  /// Takes the folder for this process as long as the lock lives, making it first.
  func lock() throws(CampaignError) -> JournalLock {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw .failure("cannot make \(path): \(error.localizedDescription)")
    }
    return try JournalLock(lockFile)
  }

  private func sync() throws(CampaignError) {
    let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { throw Self.failure("open", path) }
    defer { close(folder) }
    guard fsync(folder) == 0 else { throw Self.failure("sync", path) }
  }

  static func failure(_ operation: String, _ path: String) -> CampaignError {
    let code = errno
    let advice = code == EACCES || code == EPERM ? " (run as root)" : ""
    return .failure("cannot \(operation) \(path): \(String(cString: strerror(code)).lowercased())\(advice)")
  }
}

/// The right to change settings and journals; the kernel takes it back from a process that dies.
struct JournalLock: ~Copyable {
  private let descriptor: Int32

  fileprivate init(_ path: String) throws(CampaignError) {
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw JournalFolder.failure("open", path) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      throw .failure("another pvbench is changing this host's settings (wait until it has ended)")
    }
  }

  deinit { close(descriptor) }
}
