import Foundation

/// Names for runs: `baselines/NAME` in a folder of runs is one line, the id of a run beside it or the path of one elsewhere. A
/// name costs no copy of the run, and whoever tidies up can see which runs have one.
public struct Baselines: Sendable {
  private static let folderName = "baselines"
  private static let longest = 64

  private let folder: String

  /// The baselines of a folder of runs.
  public init(in parent: String) { folder = "\(parent)/\(Self.folderName)" }

  /// Whether `name` can be one: letters, digits, `.`, `_` and `-` of ASCII, the first of them a letter or digit.
  public static func isName(_ name: String) -> Bool {
    guard name.utf8.count <= longest, let first = name.utf8.first, isWord(first) else { return false }
    return name.utf8.allSatisfy { isWord($0) || ".-_".utf8.contains($0) }
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: false
    }
  }

  /// Every name, in order.
  public var names: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter(Self.isName).sorted()
  }

  /// The run that a name stands for, by id or path; nil where there is no such name.
  public func run(_ name: String) -> String? {
    guard Self.isName(name), let bytes = try? AtomicFile.read("\(folder)/\(name)") else { return nil }
    return String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Gives a run a name, which may have been another run's.
  public func save(_ name: String, run: String) throws(StoreError) {
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw .cannotWrite(path: folder, code: posixCode(of: error), run: nil)
    }
    try AtomicFile.write(Array("\(run)\n".utf8), to: "\(folder)/\(name)")
  }

  /// Forgets a name; the run stays.
  public func delete(_ name: String) throws(StoreError) {
    guard unlink("\(folder)/\(name)") == 0 else {
      throw .cannotWrite(path: "\(folder)/\(name)", code: errno, run: nil)
    }
  }
}
