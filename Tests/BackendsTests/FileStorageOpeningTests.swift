import Backends
import Glibc
import Testing

struct FileStorageOpeningTests {
  @Test func missingFileIsNamed() {
    #expect(throws: StorageOpenError.missing(path: "/nowhere/disk.img")) {
      _ = try FileStorage(path: "/nowhere/disk.img")
    }
  }

  @Test func directoryIsRefused() {
    #expect(throws: StorageOpenError.directory(path: "/")) { _ = try FileStorage(path: "/") }
  }

  @Test func characterDeviceIsRefused() {
    #expect(throws: StorageOpenError.notADisk(path: "/dev/zero")) { _ = try FileStorage(path: "/dev/zero") }
  }

  @Test func emptyFileIsRefused() throws {
    let image = try TemporaryImage(byteCount: 0)
    #expect(throws: StorageOpenError.empty(path: image.path)) { _ = try FileStorage(path: image.path) }
  }

  @Test func partialSectorIsRefused() throws {
    let image = try TemporaryImage(byteCount: 1000)
    #expect(throws: StorageOpenError.partialSector(path: image.path, byteCount: 1000)) {
      _ = try FileStorage(path: image.path)
    }
  }

  /// procfs answers O_DIRECT with EINVAL, and is there on every Linux.
  @Test func fileSystemWithoutDirectIOIsRefused() {
    #expect(throws: StorageOpenError.directRefused(path: "/proc/self/status")) {
      _ = try FileStorage(path: "/proc/self/status", isReadOnly: true)
    }
  }

  @Test func bufferedOpensWhatRefusesDirectIO() {
    #expect(throws: StorageOpenError.empty(path: "/proc/self/status")) {
      _ = try FileStorage(path: "/proc/self/status", isReadOnly: true, isBuffered: true)
    }
  }

  @Test(.enabled(if: geteuid() != 0, "root may write everything"))
  func readOnlyFileNeedsToBeAskedFor() throws {
    let image = try TemporaryImage(byteCount: 4096, mode: 0o400)
    #expect(throws: StorageOpenError.notWritable(path: image.path)) { _ = try FileStorage(path: image.path) }
    #expect(try FileStorage(path: image.path, isReadOnly: true).isReadOnly)
  }

  @Test func everyMessageIsOneLineThatNamesTheImage() {
    let path = "/images/a.img"
    let errors: [StorageOpenError] = [
      .missing(path: path), .directory(path: path), .notADisk(path: path), .empty(path: path),
      .partialSector(path: path, byteCount: 1), .notWritable(path: path), .notReadable(path: path),
      .directRefused(path: path), .directBlockTooLarge(path: path, byteCount: 4096),
      .system(operation: "open", path: path, errno: EIO),
    ]
    #expect(errors.allSatisfy { $0.description.contains("'/images/a.img'") && !$0.description.contains("\n") })
    #expect(Set(errors.map(\.description)).count == errors.count)
  }

  @Test func sizeIsTakenFromTheFile() throws {
    let image = try TemporaryImage(byteCount: 1 << 20)
    #expect(try FileStorage(path: image.path).byteCount == 1 << 20)
  }
}
