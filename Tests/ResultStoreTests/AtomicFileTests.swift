import Foundation
import Testing

@testable import ResultStore

@Suite struct AtomicFileTests {
  @Test func contentIsReplacedAndNothingElseIsLeft() throws {
    let scratch = try Scratch()
    try AtomicFile.write(Array("old and longer".utf8), to: scratch.path + "/a")
    try AtomicFile.write(Array("new".utf8), to: scratch.path + "/a")
    #expect(try AtomicFile.read(scratch.path + "/a") == Array("new".utf8))
    #expect(try scratch.names() == ["a"])
  }

  @Test func failedRenameLeavesNoTemporaryFile() throws {
    let scratch = try Scratch()
    // A folder in the file's place: everything succeeds up to the rename.
    try FileManager.default.createDirectory(atPath: scratch.path + "/a/full", withIntermediateDirectories: true)
    #expect(throws: StoreError.cannotWrite(path: scratch.path + "/a", code: EISDIR, run: "RUN")) {
      try AtomicFile.write([1], to: scratch.path + "/a", run: "RUN")
    }
    #expect(try scratch.names() == ["a"])
  }

  @Test func missingFolderNamesTheFileAndNotItsTemporaryName() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/none/a"
    #expect(throws: StoreError.cannotWrite(path: path, code: ENOENT, run: nil)) { try AtomicFile.write([1], to: path) }
  }

  @Test func fullDeviceIsReportedByTheWrite() throws {
    #expect(throws: StoreError.cannotWrite(path: "/dev/full", code: ENOSPC, run: nil)) {
      try OwnedFile(opening: "/dev/full", O_WRONLY).write([1, 2, 3])
    }
  }

  @Test func fullDeviceTellsTheUserWhatToDo() {
    let error = StoreError.cannotWrite(path: "results/r/run.json", code: ENOSPC, run: "results/r")
    #expect(
      error.description
        == "cannot write results/r/run.json: no space left on device (free some space; finished repetitions are kept; resume with --resume results/r)"
    )
  }

  @Test func missingFileCannotBeRead() {
    #expect(throws: StoreError.cannotRead(path: "/nonexistent", code: ENOENT)) { try AtomicFile.read("/nonexistent") }
  }
}
