import Foundation
import MachineLauncher
import Measurement
import Testing

@testable import Campaign

@Suite("runners in a plan")
struct RunnerPlanTests {
  private func plan(_ runners: [GuestRunner]?, _ workload: String = "disk.randread.4k.qd1", vcpus: Int? = nil) throws
    -> Plan
  {
    var request = RunRequest.of(workload)
    request.runners = runners
    request.vcpus = vcpus
    return try Planner.plan(request, library: .embedded())
  }

  @Test func everyRunnerHasEveryModeInTheSameBlock() throws {
    let plan = try plan([.builtin, .qemu])
    #expect(plan.cells.map(\.key.mode) == ["full", "full@qemu", "paravirt", "paravirt@qemu"])
    #expect(plan.steps.map(\.cell) == [0, 1, 2, 3, 3, 2, 1, 0])
  }

  @Test func allRunnersDoTheSame() throws {
    let plan = try plan([.builtin, .qemu])
    let specifications = plan.steps.prefix(4).map {
      plan.specification(of: $0, disk: "/image", resources: MachineResources(qemu: .found(path: "/q", version: "7.2")))
    }
    #expect(specifications.map(\.runner) == [.builtin, .qemu, .builtin, .qemu])
    #expect(Set(specifications.map(\.seed)).count == 1)
    #expect(specifications[1].qemu == "/q")
    #expect(specifications[0].choices == specifications[1].choices)
  }

  @Test func aPlanWithoutRunnersIsAsItWas() throws {
    let cells = try plan(nil).cells
    #expect(cells.map(\.key.mode) == ["full", "paravirt"])
    #expect(cells.allSatisfy { $0.runner == nil })
  }

  @Test func whatARunnerLacksIsSkipped() throws {
    #expect(
      try plan([.qemu], "network.roundtrip.64b.qd1").cells.first?.skipReason
        == "QEMU has no such back end (echo inside the runner)")
    #expect(
      try plan([.qemu], vcpus: 2).cells.first?.skipReason
        == "the guest starts further processors under the builtin runner only")
    #expect(try plan([.kvmtool]).cells.first?.skipReason?.hasPrefix("kvmtool boots Linux kernels") == true)
  }

  @Test func namesAreReadOnceEach() throws {
    #expect(try RunRequest.runners(["qemu", "builtin", "qemu"]) == [.qemu, .builtin])
    #expect(try RunRequest.runners([]) == nil)
  }

  @Test func aMisspeltRunnerIsAUsageErrorWithTheNearestName() {
    #expect(throws: CampaignError.usage("unknown runner 'qemo' (did you mean 'qemu'?)")) {
      try RunRequest.runners(["qemo"])
    }
  }

  @Test func aResumedRunKeepsItsRunners() throws {
    var asked = RunRequest()
    asked.runners = [.qemu]
    #expect(
      asked.conflict(with: try plan(nil).request) == "--runner qemu, but the run was planned with builtin")
  }
}

@Suite("QEMU on the host")
struct QEMUProgramTests {
  @Test func aGoodOneIsFoundWithItsVersion() {
    #expect(
      QEMUProgram.judge("/q", says: "QEMU emulator version 7.2.22 (Debian)")
        == .found(path: "/q", version: "7.2.22 (Debian)"))
  }

  @Test func anOldOneIsRefusedWithTheOldestThatWillDo() {
    #expect(
      QEMUProgram.judge("/q", says: "QEMU emulator version 6.1.0")
        == .missing("/q is QEMU 6.1, which is too old (use 7.2 or newer)"))
  }

  @Test func anotherProgramIsRefused() {
    #expect(QEMUProgram.judge("/q", says: "hello") == .missing("/q does not say which QEMU it is: 'hello'"))
  }

  @Test func aMissingOneNamesItsPackage() {
    #expect(
      QEMUProgram.locate(environment: ["PATH": "/nowhere:/neither"])
        == .missing("qemu-system-x86_64 is not in PATH (install the package qemu-system-x86)"))
    #expect(
      QEMUProgram.locate(environment: ["PVBENCH_QEMU": "/nowhere/q"])
        == .missing("PVBENCH_QEMU=/nowhere/q: no such program (install the package qemu-system-x86)"))
  }

  @Test func theNamedProgramIsAskedForItsVersion() throws {
    let folder = try TemporaryFolder()
    let path = try folder.runner("echo QEMU emulator version 9.1.0")
    #expect(QEMUProgram.locate(environment: ["PVBENCH_QEMU": path]) == .found(path: path, version: "9.1.0"))
  }
}

@Suite("runs under several runners", .serialized)
struct RunnerRunTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func run(_ runners: [GuestRunner], qemu: QEMUProgram, kvm: String? = nil) async throws -> CampaignResult {
    var options = CampaignOptions(library: try .embedded())
    options.request = .of("disk.randread.4k.qd1", modes: ["paravirt"], repetitions: 1)
    options.request.runners = runners
    options.out = folder.file("results")
    options.imageBytes = 1 << 20
    options.environment = [
      "PVBENCH_VM": try folder.runner(printing: .ok), "PVBENCH_KVM_PATH": try kvm ?? folder.write("", to: "kvm"),
    ]
    var host = HostServices.fixed
    host.qemu = { _ in qemu }
    return try await Campaign.prepare(options, host: host).run(progress: SilentProgress()) { _, _ in }
  }

  private static let found = QEMUProgram.found(path: "/q", version: "7.2")
  private static let missing = QEMUProgram.missing("no QEMU here")

  @Test func resultsNameTheirRunner() async throws {
    let record = try #require(try await run([.builtin, .qemu], qemu: Self.found).record)
    #expect(record.cells.map(\.mode) == ["paravirt", "paravirt@qemu"])
    #expect(record.cells.map(\.runner) == [nil, "qemu"])
    #expect(record.host.configuration["qemu"] == .string("7.2"))
  }

  @Test func aMissingQEMUIsSkippedBesideOthers() async throws {
    let result = try await run([.builtin, .qemu], qemu: Self.missing)
    #expect(result.exitCode == 0)
    #expect(result.record?.cells.flatMap(\.repetitions).map(\.status) == [.ok, .skipped])
    #expect(result.record?.cells.last?.repetitions.first?.reason == "no QEMU here")
  }

  @Test func aMissingQEMUAloneIsSixtyNine() async throws {
    let error = await #expect(throws: CampaignError.self) { try await run([.qemu], qemu: Self.missing) }
    #expect(error == .host("no QEMU here"))
    #expect(error?.exitCode == 69)
  }

  @Test func aHostWithoutKVMIsOfferedTheInterpreter() async throws {
    let error = await #expect(throws: CampaignError.self) {
      try await run([.builtin, .qemuTCG], qemu: Self.found, kvm: "/nowhere/kvm")
    }
    #expect(error?.description.contains("--runner qemu-tcg tests the guests without KVM") == true)
    #expect(try await run([.qemuTCG], qemu: Self.found, kvm: "/nowhere/kvm").exitCode == 0)
  }
}
