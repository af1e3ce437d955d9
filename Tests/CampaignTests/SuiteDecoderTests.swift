import Foundation
import MachineLauncher
import Measurement
import Testing

@testable import Campaign

struct SuiteDecoderTests {
  private static let row = """
    suite: disk
    workloads:
      - id: disk.one
        summary: one
        kernel: disk
        metrics: [throughput.ops, latency.p99]
        parameters:
          operation: read
          access: random
          block: 4KiB
          depth: 1
    """

  private func message(_ text: String) -> String? {
    #expect(throws: YAMLFileError.self) { try SuiteDecoder.decode(file: "disk.yaml", text: text) }?.description
  }

  private func message(replacing old: String, with new: String) -> String? {
    message(Self.row.replacingOccurrences(of: old, with: new))
  }

  @Test func builtInDiskSuiteHasEveryRow() throws {
    let suite = try #require(SuiteLibrary.embedded().suites.first { $0.name == "disk" })
    #expect(suite.workloads.count == 35)
    #expect(suite.workloads.filter { $0.tags.contains("quick") }.count == 11)
    let row = try #require(suite.workloads.first { $0.id == "disk.seqwrite.128k.qd32" })
    #expect(
      row.parameters.map { "\($0.name)=\($0.value)" } == [
        "operation=write", "access=sequential", "block=131072", "depth=32",
      ])
    #expect(row.warmupNanoseconds == 500_000_000)
    #expect(row.windowNanoseconds == 2_000_000_000)
    #expect(row.primary == "throughput.ops")
  }

  @Test func builtInDiskSuiteReachesFrom512BytesToOneMebibyteAndFromOneTo64InFlight() throws {
    let suite = try #require(SuiteLibrary.embedded().suites.first { $0.name == "disk" })
    #expect(Set(suite.workloads.compactMap { $0.number("block") }).isSuperset(of: [512, 4096, 131_072, 1 << 20]))
    #expect(Set(suite.workloads.compactMap { $0.number("depth") }).isSuperset(of: [1, 4, 16, 32, 64]))
    #expect(suite.workloads.filter { $0.parameter("backend") == "null" }.map { $0.number("depth") } == [1, 32])
    #expect(suite.workloads.filter { $0.parameter("operation") == "mixed" }.allSatisfy { $0.readPercent == 70 })
  }

  @Test func mixedOperationsNeedTheirReadPercentage() {
    #expect(
      message(replacing: "operation: read", with: "operation: mixed")
        == "disk.yaml:8: parameter 'readpercent' of kernel 'disk' is missing")
  }

  @Test func unknownKeyIsNamedWithItsLineAndTheNearestKey() {
    #expect(message(replacing: "depth", with: "dept") == "disk.yaml:11: unknown key 'dept' (did you mean 'depth'?)")
    #expect(
      message(replacing: "summary: one", with: "sumary: one")
        == "disk.yaml:4: unknown key 'sumary' (did you mean 'summary'?)")
  }

  @Test func wrongUnitIsNamedWithItsLineAndTheExpectation() {
    #expect(
      message(replacing: "4KiB", with: "4 kilo") == "disk.yaml:10: block: expected a size such as 4KiB, found '4 kilo'")
    #expect(
      message(replacing: "4KiB", with: "4096") == "disk.yaml:10: block: expected a size such as 4KiB, found '4096'")
    #expect(
      message(replacing: "summary: one", with: "window: 2")
        == "disk.yaml:4: window: expected a duration such as 500ms or 2s, found '2'")
  }

  @Test func valuesOutOfRangeAreRejected() {
    #expect(
      message(replacing: "depth: 1", with: "depth: 0")
        == "disk.yaml:11: depth: expected a whole number from 1 to 256, found '0'")
    #expect(
      message(replacing: "    kernel: disk", with: "    kernel: disk\n    repetitions: 0")
        == "disk.yaml:6: repetitions: expected a whole number from 1 to 10000, found '0'")
    #expect(
      message(replacing: "4KiB", with: "513B")
        == "disk.yaml:10: block: expected 512 B to 1 MiB in multiples of 512 bytes, found '513B'")
    #expect(
      message(replacing: "operation: read", with: "operation: erase")
        == "disk.yaml:8: operation: expected operation (one of read, write, mixed, flush), found 'erase'")
  }

  @Test func aDurationIsGivenToTheGuestInNanosecondsAndHasItsRange() throws {
    func text(_ period: String) -> String {
      "suite: platform\nworkloads:\n  - {id: platform.t, kernel: timer, metrics: [throughput.ops], "
        + "parameters: {period: \(period)}}\n"
    }
    #expect(
      try SuiteDecoder.decode(file: "p.yaml", text: text("2ms")).workloads.first?.parameter("period") == "2000000")
    let error = #expect(throws: YAMLFileError.self) { try SuiteDecoder.decode(file: "p.yaml", text: text("60ms")) }
    #expect(error?.description == "p.yaml:3: period: expected a duration from 10000 to 50000000 ns, found '60ms'")
  }

  @Test func wrongShapesAreNamed() {
    #expect(
      message(replacing: "4KiB", with: "[4KiB]") == "disk.yaml:10: block: expected a size such as 4KiB, found a list")
    #expect(message("suite: disk\nworkloads: 3\n") == "disk.yaml:2: workloads: expected a list of workloads, found '3'")
    #expect(message("- a\n") == "disk.yaml:1: expected a mapping, found a list")
  }

  @Test func missingKeysAreNamed() {
    #expect(message("summary: nothing\n") == "disk.yaml:1: key 'suite' is missing")
    #expect(
      message(replacing: "      depth: 1", with: "") == "disk.yaml:8: parameter 'depth' of kernel 'disk' is missing")
    #expect(message(replacing: "    kernel: disk\n", with: "") == "disk.yaml:3: key 'kernel' is missing")
  }

  @Test func referencesAreChecked() {
    #expect(
      message(replacing: "latency.p99", with: "latency.p98")
        == "disk.yaml:6: unknown metric 'latency.p98' (did you mean 'latency.p99'?)")
    #expect(
      message(replacing: "throughput.ops, ", with: "")?.hasPrefix("disk.yaml:3: primary: 'throughput.ops' is not among")
        == true)
    #expect(
      message(replacing: "id: disk.one", with: "id: net.one")?.hasPrefix("disk.yaml:3: id: expected a name that begins")
        == true)
  }

  @Test func duplicateRowsAndKeysAreRejected() {
    let row = Self.row.split(separator: "\n").dropFirst(2).joined(separator: "\n")
    #expect(message(Self.row + "\n" + row) == "disk.yaml:12: workload 'disk.one' is there twice")
    #expect(message("suite: a\nsuite: b\n")?.contains("key 'suite' occurs more than once") == true)
  }

  @Test func brokenYAMLIsNamedWithItsLine() {
    #expect(message("suite: disk\nworkloads: [\n")?.hasPrefix("disk.yaml:3: not YAML: ") == true)
  }

  @Test func floorsAndRequirementsAreRead() throws {
    let extra = """

          floors: {latency.p99: {relative: 10%, absolute: 20us}}
          requires: {disk: virtio-blk}
          tags: [quick]
          warmup: 100ms
      """
    let workload = try #require(
      try SuiteDecoder.decode(file: "f", text: Self.row + extra.replacingOccurrences(of: "\n      ", with: "\n  "))
        .workloads.first)
    #expect(workload.floors == ["latency.p99": FloorOverride(relative: 0.1, absolute: 20e-6)])
    #expect(workload.requires == ["disk": ["virtio-blk"]])
    #expect(workload.warmupNanoseconds == 100_000_000)
  }

  @Test func suiteInAFolderReplacesTheBuiltInOne() throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.row, to: "workloads/suites/mine.yaml")
    let library = try SuiteLibrary.load(directory: nil, workingDirectory: folder.path)
    #expect(library.suites.first { $0.name == "disk" }?.workloads.map(\.id) == ["disk.one"])
  }

  @Test func suitesFolderWithoutSuitesIsAUsageError() throws {
    let folder = try TemporaryFolder()
    #expect(throws: CampaignError.usage("--suites \(folder.path): there is no .yaml file in it")) {
      try SuiteLibrary.load(directory: folder.path, workingDirectory: "/nowhere")
    }
    #expect(throws: CampaignError.self) { try SuiteLibrary.load(directory: "/nowhere", workingDirectory: "/nowhere") }
  }

  @Test func parameterThatIsNamedAfterAChoiceTakesItsValues() {
    for kernel in KernelSchema.all {
      for parameter in kernel.parameters {
        guard let subsystem = MachineProfile.subsystems.first(where: { $0.name == parameter.name }) else { continue }
        #expect(parameter.words.map { Set($0).isSubset(of: subsystem.values.map(\.name)) } == true, "\(parameter.name)")
      }
    }
  }
}
