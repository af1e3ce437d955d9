import MachineLauncher
import Testing

@testable import Campaign

@Suite("the suite exits")
struct ExitSuiteTests {
  private func rows(_ way: WayOut) throws -> [Workload] {
    try SuiteLibrary.embedded().select(suites: ["exits"], patterns: [], tag: nil).filter {
      $0.kernel == "exits" && $0.parameter("way") == way.rawValue
    }
  }

  @Test(arguments: WayOut.allCases)
  func everyWayOutIsTakenFromRing0(way: WayOut) throws {
    #expect(try rows(way).filter { $0.parameter("level") == "ring0" }.count == 1)
  }

  @Test(arguments: WayOut.allCases)
  func whatRunsInRing0SaysSo(way: WayOut) throws {
    for row in try rows(way) { #expect(row.id.hasSuffix(".ring0") == (row.parameter("level") == "ring0")) }
  }

  /// Where KVM does not show itself, no guest would call it.
  @Test(arguments: WayOut.allCases.filter(\.isHypercall))
  func aGuestThatSeesNoKVMDoesNotCallIt(way: WayOut) throws {
    let row = try #require(try rows(way).first)
    let full = try Mode.parse("full")
    #expect(Feasibility.obstacle(row, in: full, imageBytes: 1 << 20) == "needs cpuid=kvm, this mode has hidden")
  }

  @Test(arguments: [WayOut.timerIn, .timerOut, .controllerIn])
  func aControllerOutsideTheKernelIsNotTheSameWay(way: WayOut) throws {
    let row = try #require(try rows(way).first)
    let split = try Mode.parse("full+irqchip=split")
    #expect(Feasibility.obstacle(row, in: split, imageBytes: 1 << 20) == "needs irqchip=kernel, this mode has split")
  }
}
