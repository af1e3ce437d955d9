import Foundation
import HostTopology
import ResultStore

/// Changes settings of the host so that they can be taken back, also after SIGKILL or a power cut.
public struct HostSettings: Sendable {
  /// What became of the settings that pvbench was to change or to put back.
  public struct Outcome: Equatable, Sendable {
    /// As they should be now.
    public internal(set) var done: [SettingChange] = []
    /// Somebody else changed them meanwhile: left alone.
    public internal(set) var leftAlone: [SettingChange] = []
    /// Why others could not be written.
    public internal(set) var failures: [String] = []
  }

  private let folder: JournalFolder
  private let procfs: String

  /// The settings of the host below `root`, which is a folder in place of `/` for tests.
  public init(environment: [String: String]) {
    let root = HostRoot(environment: environment)
    folder = JournalFolder(path: root.stateFolder)
    procfs = root.procfs
  }

  /// What `apply` changed and nobody has put back yet, on this boot.
  public var pending: [SettingChange] {
    get throws(CampaignError) { try current(folder.applied)?.changes ?? [] }
  }

  /// Takes back what a process that died in the middle had changed; nil where there is nothing of the kind.
  public func recover() throws(CampaignError) -> Outcome? {
    guard FileManager.default.fileExists(atPath: folder.unfinished) else { return nil }
    let lock = try folder.lock()
    return try takeBack(holding: lock)
  }

  /// Both of the above; an error is a failure of the recovery: it hinders nobody from looking or measuring.
  var settled: (recovered: Outcome?, pending: [SettingChange]) {
    do {
      return (try recover(), try pending)
    } catch {
      return (Outcome(failures: ["settings of this host are still to be put back: \(error)"]), [])
    }
  }

  /// Writes `settings`, those that this process may write, after noting on disk what they were.
  public func apply(_ settings: [Setting]) throws(CampaignError) -> Outcome {
    var outcome = Outcome()
    guard !settings.isEmpty else { return outcome }
    let possible = settings.filter { $0.obstacle == nil }
    outcome.failures = settings.compactMap(\.obstacle).map { "\($0)" }
    guard !possible.isEmpty else { return outcome }
    let lock = try folder.lock()
    _ = try takeBack(holding: lock)
    let earlier = try current(folder.applied)?.changes ?? []
    let wanted = possible.compactMap { change($0, after: earlier, &outcome) }
    guard !wanted.isEmpty else { return outcome }
    var journal = ChangeJournal(
      boot: try bootID(),
      changes: earlier.filter { change in
        !wanted.contains { $0.path == change.path }
      })
    let kept = journal.changes
    journal.changes += wanted
    try folder.write(journal)
    for change in wanted { make(change, since: earlier, &outcome) }
    if outcome.done.count < wanted.count {
      // What was refused is not ours to put back.
      journal.changes = kept + outcome.done
      do { try folder.write(journal) } catch {
        _ = try takeBack(holding: lock)
        throw error
      }
    }
    if journal.changes.isEmpty { try folder.clear() } else { try folder.rename(folder.unfinished, to: folder.applied) }
    return outcome
  }

  /// Puts back what `apply` changed. Nothing to put back is an empty outcome.
  public func restore() throws(CampaignError) -> Outcome {
    guard [folder.applied, folder.unfinished].contains(where: FileManager.default.fileExists) else { return Outcome() }
    let lock = try folder.lock()
    if let outcome = try takeBack(holding: lock) { return outcome }
    guard FileManager.default.fileExists(atPath: folder.applied) else { return Outcome() }
    try folder.rename(folder.applied, to: folder.unfinished)
    return try takeBack(holding: lock) ?? Outcome()
  }

  /// Takes back the unfinished journal, newest change first. It stays where a setting could not be written: the next run tries
  /// again.
  private func takeBack(holding lock: borrowing JournalLock) throws(CampaignError) -> Outcome? {
    guard FileManager.default.fileExists(atPath: folder.unfinished) else { return nil }
    var outcome = Outcome()
    for change in try current(folder.unfinished)?.changes.reversed() ?? [] { putBack(change, &outcome) }
    if outcome.failures.isEmpty { try folder.clear() }
    return outcome
  }

  private func putBack(_ change: SettingChange, _ outcome: inout Outcome) {
    do {
      let value = try Setting.current(change.path)
      guard value != change.old else { return outcome.done.append(change) }
      // A file of sysfs is never empty; one of another file system is where a write was cut off.
      guard value == change.new || value.isEmpty else { return outcome.leftAlone.append(change) }
      try Setting(path: change.path, value: change.old).write()
      outcome.done.append(change)
    } catch {
      outcome.failures.append("\(error)")
    }
  }

  /// The change that makes `setting` so; nil where it is so, or cannot be read.
  private func change(_ setting: Setting, after earlier: [SettingChange], _ outcome: inout Outcome) -> SettingChange? {
    do {
      let value = try Setting.current(setting.path)
      guard value != setting.value else { return nil }
      let ours = earlier.first { $0.path == setting.path && $0.new == value }
      return SettingChange(path: setting.path, old: ours?.old ?? value, new: setting.value)
    } catch {
      outcome.failures.append("\(error)")
      return nil
    }
  }

  private func make(_ change: SettingChange, since earlier: [SettingChange], _ outcome: inout Outcome) {
    do {
      let value = try Setting.current(change.path)
      let expected = earlier.first { $0.path == change.path && $0.new == value }?.new ?? change.old
      guard value == expected else { return outcome.leftAlone.append(change) }
      try Setting(path: change.path, value: change.new).write()
      outcome.done.append(change)
    } catch {
      outcome.failures.append("\(error)")
    }
  }

  /// The journal at `file`, if it is of this boot.
  private func current(_ file: String) throws(CampaignError) -> ChangeJournal? {
    guard let journal = try folder.read(file) else { return nil }
    return journal.boot == (try bootID()) ? journal : nil
  }

  private func bootID() throws(CampaignError) -> String {
    do { return try Setting.current(procfs + "/sys/kernel/random/boot_id") } catch { throw .failure("\(error)") }
  }
}
