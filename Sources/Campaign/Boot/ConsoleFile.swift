import Foundation

/// A file that a guest's console is kept in, as it comes.
public final class ConsoleFile: Sendable {
  private let handle: FileHandle

  /// Makes the file at `path`, or empties it.
  public init(path: String) throws(CampaignError) {
    guard FileManager.default.createFile(atPath: path, contents: nil), let handle = FileHandle(forWritingAtPath: path)
    else { throw .usage("--log \(path): \(String(cString: strerror(errno)).lowercased())") }
    self.handle = handle
  }

  /// Appends what came; a disk that is full is no reason to stop the guest.
  public func append(_ bytes: [UInt8]) { try? handle.write(contentsOf: Data(bytes)) }
}
