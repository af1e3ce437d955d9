import Foundation

/// The right to do something in a folder that only one process may do at a time; the kernel takes it back from one that dies.
public struct FolderLock: ~Copyable {
  private let file: OwnedFile

  /// Takes the lock `name`, a file in `folder`, which is made where it is missing; nil where another process has it.
  ///
  /// - Throws: `StoreError.cannotWrite`.
  public static func take(_ name: String, in folder: String) throws(StoreError) -> FolderLock? {
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw .cannotWrite(path: folder, code: posixCode(of: error), run: nil)
    }
    let file = try OwnedFile(opening: "\(folder)/\(name)", O_RDWR | O_CREAT)
    guard file.lock() else { return nil }
    return FolderLock(file: file)
  }
}
