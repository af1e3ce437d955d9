import Foundation

/// Writes whole files so that a reader, or a power cut, sees the old content or the new one and nothing between: a
/// temporary name in the same folder, fsync, rename, fsync of the folder.
public enum AtomicFile {
  /// How temporary names begin; such files are never read, and `RunFolder.removeLeftovers` deletes them.
  public static let temporaryPrefix = ".pvbench-tmp-"

  /// Replaces the content of `path`.
  ///
  /// - Parameter run: the run's folder, named in the error as the one to resume.
  /// - Throws: `StoreError.cannotWrite`; no temporary file is left then.
  public static func write(_ bytes: [UInt8], to path: String, run: String? = nil) throws(StoreError) {
    let folder = (path as NSString).deletingLastPathComponent
    let parent = folder.isEmpty ? "." : folder
    let temporary = "\(parent)/\(temporaryPrefix)\(getpid())-\(String(UInt64.random(in: .min ... .max), radix: 16))"
    do throws(StoreError) {
      let file = try OwnedFile(opening: temporary, O_WRONLY | O_CREAT | O_EXCL)
      try file.write(bytes)
      try file.sync()
      guard rename(temporary, path) == 0 else { throw StoreError.cannotWrite(path: path, code: errno, run: run) }
      try OwnedFile(opening: parent, O_RDONLY | O_DIRECTORY).sync()
    } catch {
      unlink(temporary)
      // The user knows the file by its own name, not by the temporary one.
      throw .cannotWrite(path: path, code: error.code, run: run)
    }
  }

  /// Reads a whole file.
  public static func read(_ path: String) throws(StoreError) -> [UInt8] {
    try OwnedFile(opening: path, O_RDONLY).read()
  }
}

extension StoreError {
  /// The system call's error number; EIO for errors that no system call made.
  fileprivate var code: Int32 {
    switch self {
    case .cannotWrite(_, let code, _), .cannotRead(_, let code): code
    default: EIO
    }
  }
}
