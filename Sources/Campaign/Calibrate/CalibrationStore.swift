import Foundation
import Measurement
import ResultStore

/// Where calibrations are kept, a file for each host by its fingerprint: in the folder for what outlives a process, beside the
/// doctor's journals (docs/decisions/0025-calibrations-deal-boots.md). Whoever is not root also reads what root has left.
public struct CalibrationStore: Sendable {
  /// The folders that are read, the first one is written.
  private let folders: [String]

  /// The store of the host that `environment` means.
  public init(environment: [String: String]) {
    let root = HostRoot(environment: environment)
    let own = root.stateFolder + "/calibration"
    let shared = root.sharedStateFolder + "/calibration"
    folders = own == shared ? [own] : [own, shared]
  }

  /// Keeps `record` in place of an earlier calibration of its host.
  ///
  /// - Returns: where it is.
  @discardableResult public func write(_ record: CalibrationRecord) throws(CampaignError) -> String {
    let folder = folders[0]
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      let path = Self.path(of: record.fingerprint, in: folder)
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
      try AtomicFile.write(Array(try encoder.encode(record)) + [UInt8(ascii: "\n")], to: path)
      return path
    } catch let error as CocoaError {
      throw .failure("cannot make \(folder): \(error.localizedDescription)")
    } catch {
      throw .failure("\(error)")
    }
  }

  /// The calibration of a host; nil where nobody has calibrated it.
  ///
  /// - Throws: `CampaignError.failure` for a file that cannot be read, is damaged or of a later pvbench.
  public func read(_ fingerprint: String) throws(CampaignError) -> CalibrationRecord? {
    let paths = folders.map { Self.path(of: fingerprint, in: $0) }
    guard let path = paths.first(where: FileManager.default.fileExists) else { return nil }
    struct Schema: Decodable { let schema: Int }
    do {
      let bytes = Data(try AtomicFile.read(path))
      let schema = try JSONDecoder().decode(Schema.self, from: bytes).schema
      guard schema <= CalibrationRecord.schema else {
        throw CampaignError.failure("\(path) was written by a later pvbench (use that one, or calibrate again)")
      }
      return try JSONDecoder().decode(CalibrationRecord.self, from: bytes)
    } catch let error as CampaignError {
      throw error
    } catch is DecodingError {
      throw .failure("\(path) is damaged (delete it, or calibrate again)")
    } catch {
      throw .failure("\(error)")
    }
  }

  /// What is known of the host that made all of `runs`, with what has changed between the calibration and any of them; nil where
  /// nobody has calibrated it, and where they are of several hosts.
  public func calibration(of runs: [RunRecord]) throws(CampaignError) -> (
    record: CalibrationRecord, note: CalibrationNote
  )? {
    guard let host = runs.first?.host, runs.allSatisfy({ $0.host.fingerprint == host.fingerprint }) else { return nil }
    return try read(host.fingerprint).map { record in
      (record, CalibrationNote(record, stale: Self.changes(since: record, runs.map(\.host.configuration))))
    }
  }

  /// What is known of the gate on `host`, in short; nil where nobody has calibrated it.
  public func note(on host: HostRecord) throws(CampaignError) -> CalibrationNote? {
    try read(host.fingerprint).map {
      CalibrationNote($0, stale: Self.changes(since: $0, [host.configuration]))
    }
  }

  /// `microcode: 0x1 then, 0x2 now`, each change once. What the calibration did not record has not changed.
  static func changes(since record: CalibrationRecord, _ configurations: [[String: JSONValue]]) -> [String] {
    configurations.reduce(into: [String]()) { changes, configuration in
      let known = configuration.filter { record.configuration[$0.key] != nil }
      for difference in HostDifference.configuration(record.configuration, known) {
        let words = difference.words("then", "now")
        if !changes.contains(words) { changes.append(words) }
      }
    }
  }

  /// A fingerprint is 32 hexadecimal digits; one from a file that somebody has edited must not lead elsewhere.
  private static func path(of fingerprint: String, in folder: String) -> String {
    "\(folder)/\(fingerprint.filter { $0.isASCII && ($0.isLetter || $0.isNumber) }).json"
  }
}
