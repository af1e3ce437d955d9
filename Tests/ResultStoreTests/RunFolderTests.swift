import Foundation
import Measurement
import Testing

@testable import ResultStore

@Suite struct RunFolderTests {
  @Test func newRunHasItsFoldersAndItsName() throws {
    let scratch = try Scratch()
    let run = try RunFolder.create(
      in: scratch.path + "/deep/results", host: "h1", started: Date(timeIntervalSince1970: 0))
    #expect(run.id.wholeMatch(of: /19700101T000000Z-h1-[0-9a-f]{4}/) != nil)
    #expect(try scratch.names("deep/results/" + run.id) == ["guest-logs", "repetitions"])
  }

  @Test func resultsFolderThatIsAFileIsRefused() throws {
    let scratch = try Scratch()
    try AtomicFile.write([], to: scratch.path + "/results")
    #expect(throws: StoreError.self) { try RunFolder.create(in: scratch.path + "/results", host: "h") }
  }

  @Test(arguments: [
    ("../../etc", "etc"), ("a/b\0c", "a-b-c"), ("...", "host"), ("", "host"), ("büro-1", "b--ro-1"),
    ("Host.local", "Host.local"),
  ]) func hostNameBecomesAHarmlessPathComponent(host: String, expected: String) {
    #expect(RunName.safe(host) == expected)
  }

  @Test func longHostNameIsCut() {
    #expect(RunName.safe(String(repeating: "x", count: 5000)).utf8.count == RunName.maximumHostLength)
  }

  @Test func folderWithoutARunIsRefused() throws {
    let scratch = try Scratch()
    #expect(throws: StoreError.notARun(path: scratch.path)) { try RunFolder.open(scratch.path) }
  }

  @Test func runIsFoundByIdAndByPath() throws {
    let scratch = try Scratch()
    let run = try RunFolder.create(in: scratch.path, host: "h")
    try run.writePlan([0x7B, 0x7D])
    #expect(try RunFolder.find(run.id, in: scratch.path) == run)
    #expect(try RunFolder.find(run.path, in: "/nowhere") == run)
    #expect(try run.readPlan() == [0x7B, 0x7D])
  }

  @Test func idCannotLeaveTheResultsFolder() throws {
    let scratch = try Scratch()
    let run = try RunFolder.create(in: scratch.path + "/a", host: "h")
    try run.writePlan([])
    #expect(throws: StoreError.notARun(path: "..")) { try RunFolder.find("..", in: run.path + "/repetitions") }
  }

  @Test func leftoversOfADeadWriterAreRemoved() throws {
    let scratch = try Scratch()
    let run = try RunFolder.create(in: scratch.path, host: "h")
    try run.write([1], to: "repetitions/" + AtomicFile.temporaryPrefix + "1-2")
    try run.write([1], to: "keep.txt")
    run.removeLeftovers()
    #expect(try scratch.names(run.id) == ["guest-logs", "keep.txt", "repetitions"])
    #expect(try scratch.names(run.id + "/repetitions") == [])
  }

  @Test func guestLogIsHarmlessForTerminals() throws {
    let scratch = try Scratch()
    let run = try RunFolder.create(in: scratch.path, host: "h")
    try run.writeGuestLog(["plain\tµ", "\u{1B}[2Jgone\r"], order: 7)
    #expect(
      try AtomicFile.read(run.file("guest-logs/00007.log")) == Array("plain\tµ\n\\x1b[2Jgone\\x0d\n".utf8))
  }

  @Test func endlessGuestLogIsCutAndSaysSo() {
    let bytes = GuestLog.bytes(of: Array(repeating: String(repeating: "x", count: 1023), count: 2000))
    #expect(bytes.count < GuestLog.maximumLength + 100)
    #expect(String(decoding: bytes, as: UTF8.self).hasSuffix("\n[log cut here: 976 more lines]\n"))
  }
}
