import Foundation
import Measurement
import Testing

@testable import Campaign

struct CalibrationStoreTests {
  private let folder: TemporaryFolder
  private let store: CalibrationStore

  init() throws {
    folder = try TemporaryFolder()
    store = CalibrationStore(environment: ["PVBENCH_HOST_ROOT": folder.path])
  }

  private static func record(_ fingerprint: String = "cafe") -> CalibrationRecord {
    CalibrationRecord(
      run: "run", started: "2026-11-25T00:00:00Z", version: "1", seed: 1, fingerprint: fingerprint,
      configuration: [
        "kernel_release": .string("6.1"), "microcode": .string("0x1"),
        "kvm_parameters": .object(["kvm.halt_poll_ns": .string("200000")]),
      ], alpha: 0.05, runs: 60, repetitions: 6,
      falseAlarms: [
        FalseAlarms(
          order: .interleaved, floorRelative: nil,
          called: ShareRecord(comparisons: 200, count: 1, low: 0.0001, high: 0.0275))
      ], slowdown: nil, cells: [])
  }

  private static func run(_ id: String, configuration: [String: JSONValue], fingerprint: String = "cafe") -> RunRecord {
    RunRecord(
      id: id, started: "", finished: nil, status: .complete, command: [], version: "", seed: 1,
      host: HostRecord(
        fingerprint: fingerprint, configuration: configuration, cpu: [:], kernel: "", kvm: [:], numa: [], warnings: [],
        name: ""), cells: [], comparisons: [], metrics: [])
  }

  @Test func aCalibrationIsKeptForItsHost() throws {
    let path = try store.write(Self.record())
    #expect(path == folder.file("var/lib/pvbench/calibration/cafe.json"))
    #expect(try store.read("cafe") == Self.record())
    #expect(try store.read("beef") == nil)
  }

  @Test func anUnchangedHostIsCalibrated() throws {
    try store.write(Self.record())
    let runs = ["a", "b"].map { Self.run($0, configuration: Self.record().configuration) }
    #expect(try #require(try store.calibration(of: runs)).note.stale.isEmpty)
  }

  @Test func whatHasChangedSinceIsNamedOnce() throws {
    try store.write(Self.record())
    var changed = Self.record().configuration
    changed["microcode"] = .string("0x2")
    changed["kvm_parameters"] = .object(["kvm.halt_poll_ns": .string("0")])
    changed["qemu"] = .string("7.2")
    let runs = ["a", "b"].map { Self.run($0, configuration: changed) }
    #expect(
      try #require(try store.calibration(of: runs)).note.stale == [
        "kvm_parameters kvm.halt_poll_ns: 200000 then, 0 now", "microcode: 0x1 then, 0x2 now",
      ])
  }

  @Test func runsOfTwoHostsHaveNoCalibration() throws {
    try store.write(Self.record())
    let runs = [Self.run("a", configuration: [:]), Self.run("b", configuration: [:], fingerprint: "beef")]
    #expect(try store.calibration(of: runs) == nil)
  }

  @Test(arguments: [
    ("{}", "is damaged (delete it, or calibrate again)"),
    ("nonsense", "is damaged (delete it, or calibrate again)"),
    (#"{"schema": 2}"#, "was written by a later pvbench (use that one, or calibrate again)"),
  ]) func whatCannotBeUnderstoodIsSaidInALine(text: String, message: String) throws {
    try folder.write(text, to: "var/lib/pvbench/calibration/cafe.json")
    #expect(throws: CampaignError.failure("\(folder.file("var/lib/pvbench/calibration/cafe.json")) \(message)")) {
      try store.read("cafe")
    }
  }

  @Test func aFingerprintLeadsNowhereElse() throws {
    try folder.write("nonsense", to: "var/lib/secret.json")
    #expect(try store.read("../../secret") == nil)
  }
}
