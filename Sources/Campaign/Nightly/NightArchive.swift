import Foundation
import Measurement
import ResultStore

/// What nights leave behind, and for how long: their folders, and a line each in `nightly.log`.
public struct NightArchive: Sendable {
  private static let logName = "nightly.log"
  /// A log this long becomes `nightly.log.1`, in place of the one before.
  private static let logLimit: UInt64 = 1 << 20

  private let folder: String
  private let logLimit: UInt64

  /// The archive in a folder of runs; whoever uses it holds `Nightly.lock`.
  public init(in folder: String) { self.init(in: folder, logLimit: Self.logLimit) }

  init(in folder: String, logLimit: UInt64) { (self.folder, self.logLimit) = (folder, logLimit) }

  /// Adds a night to the log: when it ended, its exit code, its summary.
  ///
  /// - Returns: why that was not possible, one line; nil where it was.
  public func log(_ summary: String, code: Int32, at date: Date = Date()) -> String? {
    let path = "\(folder)/\(Self.logName)"
    let size = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? UInt64) ?? 0
    if size > logLimit { rename(path, path + ".1") }
    let line = "\(date.formatted(.iso8601)) \(code) \(summary)\n"
    let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard file >= 0 else { return "cannot write \(path): \(String(cString: strerror(errno)))" }
    let handle = FileHandle(fileDescriptor: file, closeOnDealloc: true)
    do { try handle.write(contentsOf: Data(line.utf8)) } catch { return "cannot write \(path): \(error)" }
    return nil
  }

  /// Deletes the folders of all runs that nights made but the newest `count`. The history keeps what they observed. Runs with
  /// a baseline's name or a remark stay, and so does what people made themselves.
  ///
  /// - Returns: ids of the runs that are gone, and why others are not.
  public func prune(keeping count: Int) -> (deleted: [String], failures: [String]) {
    let named = Set(Baseline.all(in: folder).map(\.run))
    let nights = HistoryIndex.folders(in: folder).filter { Self.isNight($0) }
    let old = nights.dropLast(count).filter { !named.contains($0.id) && $0.notes().isEmpty }
    var (deleted, failures): ([String], [String]) = ([], [])
    for run in old {
      do {
        try FileManager.default.removeItem(atPath: run.path)
        deleted.append(run.id)
      } catch {
        failures.append("cannot delete \(run.path): \(error.localizedDescription)")
      }
    }
    return (deleted, failures)
  }

  private static func isNight(_ folder: RunFolder) -> Bool {
    (try? SavedCampaign.read(from: folder).command.dropFirst().first) == "nightly"
  }
}
