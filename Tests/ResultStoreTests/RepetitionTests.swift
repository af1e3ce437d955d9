import Measurement
import Testing

@testable import ResultStore

@Suite struct RepetitionTests {
  private let scratch: Scratch
  private let run: RunFolder

  init() throws {
    scratch = try Scratch()
    run = try RunFolder.create(in: scratch.path, host: "h")
  }

  @Test func repetitionReadsBackExactly() throws {
    let file = sampleFile(workload: "w", mode: "full", index: 0, order: 42)
    try run.write(file)
    #expect(try run.readRepetition(order: 42) == file)
    #expect(try run.finishedOrders() == [42])
  }

  @Test func cellsStandInPlanOrderWithRepetitionsByIndex() throws {
    try run.write(sampleFile(workload: "a", mode: "paravirt", index: 1, order: 0))
    try run.write(sampleFile(workload: "a", mode: "paravirt", index: 0, order: 1))
    try run.write(sampleFile(workload: "a", mode: "full", index: 0, order: 2))
    let plan = [
      CellKey(suite: "disk", workload: "z", mode: "full"), CellKey(suite: "disk", workload: "a", mode: "full"),
    ]
    let cells = try run.assemble(plan: plan)
    #expect(cells.map(\.mode) == ["full", "paravirt"])
    #expect(cells[1].repetitions.map(\.index) == [0, 1])
  }

  @Test func halfWrittenAndForeignFilesAreIgnored() throws {
    try run.write(sampleFile(workload: "a", mode: "full", index: 0, order: 3))
    for name in [AtomicFile.temporaryPrefix + "9-9", "00004.json~", "4.json", "000004.json", "0000x.json", "notes.txt"]
    {
      try run.write([0x7B], to: "repetitions/" + name)
    }
    #expect(try run.finishedOrders() == [3])
    #expect(try run.assemble().flatMap(\.repetitions).map(\.order) == [3])
  }

  @Test func damagedRepetitionIsNamed() throws {
    try run.write([0x7B], to: "repetitions/00001.json")
    #expect(throws: StoreError.damaged(path: run.file("repetitions/00001.json"), detail: "not valid JSON")) {
      try run.assemble()
    }
  }

  @Test(arguments: [-1, 100_000]) func impossibleOrderIsRefused(order: Int) throws {
    #expect(throws: StoreError.invalidOrder(order)) {
      try run.write(sampleFile(workload: "a", mode: "full", index: 0, order: order))
    }
  }

  @Test func repetitionThatCannotBeStoredNamesTheRunToResume() throws {
    let gone = RunFolder(path: scratch.path + "/gone")
    let path = gone.file("repetitions/00000.json")
    #expect(throws: StoreError.cannotWrite(path: path, code: 2, run: gone.path)) {
      try gone.write(sampleFile(workload: "a", mode: "full", index: 0, order: 0))
    }
    #expect(try run.finishedOrders() == [])
  }
}
