import Foundation
import Measurement
import Testing

struct ModeLabelTests {
  @Test(arguments: [("full", nil, "full"), ("paravirt+disk=ide-dma", "qemu", "paravirt+disk=ide-dma@qemu")])
  func labelsComeApartAgain(mode: String, runner: String?, label: String) {
    #expect(ModeLabel.label(mode, runner: runner) == label)
    #expect(ModeLabel.parts(label).mode == mode)
    #expect(ModeLabel.parts(label).runner == runner)
  }

  @Test(arguments: ["paravirt@qemu:paravirt", "full+pages=thp@qemu:full+pages=thp"])
  func oneModeUnderTwoRunnersComparesRunners(pair: String) { #expect(ModeLabel.comparesRunners(pair)) }

  @Test(arguments: ["full:paravirt", "full@qemu:paravirt@qemu", "full@qemu:paravirt", "full", ""])
  func anythingElseDoesNot(pair: String) { #expect(!ModeLabel.comparesRunners(pair)) }

  @Test func aCellOfTheBuiltinRunnerIsWrittenAsItWas() throws {
    func keys(_ mode: String) throws -> Set<String> {
      let cell = CellRecord(
        suite: "disk", workload: "w", mode: mode, choices: [:], primary: "throughput.ops", warmupSeconds: 0,
        repetitions: [])
      let object = try JSONSerialization.jsonObject(with: JSONEncoder().encode(cell))
      return Set(try #require(object as? [String: Any]).keys)
    }
    let known: Set = ["suite", "workload", "mode", "choices", "primary", "warmup_seconds", "repetitions"]
    #expect(try keys("full") == known)
    #expect(try keys("full@qemu") == known.union(["runner"]))
  }
}
