import Testing

@testable import ResultStore

@Suite struct TimelinesTests {
  private let scratch: Scratch
  private let run: RunFolder

  init() throws {
    scratch = try Scratch()
    run = try RunFolder.create(in: scratch.path, host: "h")
  }

  private func names() throws -> [String] { try scratch.names(run.id + "/timelines") }

  @Test func aTimeLineHasItsNameWhenItIsWhole() throws {
    try AtomicFile.write([1, 2], to: try run.newTimeline(order: 7))
    #expect(try !names().contains("00007.json"))
    try run.keepTimeline(order: 7)
    #expect(try names() == ["00007.json"])
    #expect(try AtomicFile.read(run.file("timelines/00007.json")) == [1, 2])
  }

  @Test func aRunnerThatLeftNoneIsNoError() throws {
    try run.keepTimeline(order: 1)
    #expect(try names() == [])
  }

  @Test func whatADeadRunnerBeganIsRemoved() throws {
    try AtomicFile.write([1], to: try run.newTimeline(order: 2))
    run.removeLeftovers()
    #expect(try names() == [])
  }
}
