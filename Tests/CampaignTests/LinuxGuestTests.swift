import MachineLauncher
import Measurement
import Testing

@testable import Campaign

@Suite("workloads on Linux")
struct LinuxGuestTests {
  private let library: SuiteLibrary

  init() throws { library = try SuiteLibrary.load(directory: nil) }

  private func plan(_ change: (inout RunRequest) -> Void) throws(CampaignError) -> Plan {
    var request = RunRequest()
    request.suites = ["linux"]
    change(&request)
    return try Planner.plan(request, library: library)
  }

  private static func named(_ request: inout RunRequest) {
    request.linuxKernel = "/dev/null"
    request.linuxInitrd = "/dev/null"
  }

  private func specification(of workload: String, mode: String, in plan: Plan) throws -> MachineSpecification {
    let step = try #require(
      plan.steps.first { plan.cells[$0.cell].key.workload == workload && plan.cells[$0.cell].mode.name == mode })
    return plan.specification(of: step, disk: nil, resources: MachineResources())
  }

  @Test func withoutAGuestEveryCellIsSkippedWithAWayOut() throws {
    let plan = try plan { _ in }
    #expect(!plan.cells.isEmpty)
    #expect(plan.cells.allSatisfy { $0.skipReason?.contains("make linux-guest") == true })
  }

  @Test func withAGuestBothModesRun() throws {
    let plan = try plan(Self.named)
    #expect(plan.cells.allSatisfy { $0.skipReason == nil })
    #expect(Set(plan.cells.map(\.mode.name)) == ["full", "paravirt"])
    #expect(!plan.needsDisk)
  }

  @Test func aMissingFileIsAUsageError() {
    #expect(throws: CampaignError.usage("--linux-kernel /nonexistent: no such file or directory")) {
      try plan { $0.linuxKernel = "/nonexistent" }
    }
  }

  /// Mode, and the disk that fio is told to use in it.
  @Test(arguments: [("full", "--filename=/dev/sda"), ("paravirt", "--filename=/dev/vda")])
  func theToolIsBehindTheKernelsCommandLine(mode: String, disk: String) throws {
    let plan = try plan(Self.named)
    let specification = try specification(of: "linux.fio.randread.4k.qd1", mode: mode, in: plan)
    let guest = try #require(specification.foreign)
    #expect(guest.append.contains(" -- fio --name=pvbench \(disk) --rw=randread --bs=4096 "))
    #expect(guest.isForced == false)
    #expect(specification.disk == .memory(byteCount: 32 << 20))
    #expect(specification.memory == 384 << 20)
    #expect(specification.choices["net"] == "none")
  }

  @Test func whatIsWrittenIsVerified() throws {
    let plan = try plan(Self.named)
    let cell = try #require(plan.cells.first { $0.workload.parameter("operation") == "write" })
    #expect(FioTool.arguments(cell).contains("--verify=crc32c"))
  }

  /// Mode, and the card that iperf3 takes in it.
  @Test(arguments: [("full", "e1000"), ("paravirt", "virtio-net")])
  func iperf3ReachesTheHostsServer(mode: String, card: String) throws {
    let specification = try specification(of: "linux.iperf3.receive", mode: mode, in: try plan(Self.named))
    #expect(specification.network == .iperf3)
    #expect(specification.choices["net"] == card)
    #expect(specification.disk == .none)
    let append = try #require(specification.foreign).append
    #expect(append.hasPrefix("guest_address=10.86.0.2/24 "))
    #expect(append.contains(" -- iperf3 --client 10.86.0.1 --json --interval 0 --time 3 --omit 1 --parallel 1 "))
    #expect(append.hasSuffix(" --reverse"))
  }

  @Test func vhostNetServesIperf3() throws {
    let plan = try plan {
      Self.named(&$0)
      $0.variants = [["net=vhost-net"]]
    }
    let cells = plan.cells.filter { $0.mode.overrides["net"] == "vhost-net" && $0.workload.kernel == "iperf3" }
    #expect(!cells.isEmpty)
    #expect(cells.allSatisfy { $0.skipReason == nil })
  }

  /// A row, and the command that it means.
  static let sysbenchCommands = [
    ("linux.sysbench.cpu", "sysbench cpu --cpu-max-prime=10000 --threads=1 --time=3 --histogram run"),
    (
      "linux.sysbench.memory.write.1m",
      "sysbench memory --memory-block-size=1048576 --memory-total-size=1000T --memory-oper=write --memory-access-mode=seq"
        + " --threads=1 --time=3 --histogram run"
    ),
  ]

  @Test(arguments: sysbenchCommands) func sysbenchNeedsNoDevice(workload: String, command: String) throws {
    let specification = try specification(of: workload, mode: "full", in: try plan(Self.named))
    #expect(specification.foreign?.append.hasSuffix(" -- \(command)") == true)
    #expect(specification.choices["net"] == "none")
    #expect(specification.disk == .none)
  }

  @Test func theKernelOfARowMustSuitItsGuest() {
    let text = """
      suite: s
      summary: s
      workloads:
        - {id: s.a, kernel: fio, metrics: [throughput.ops], parameters: {}}
      """
    #expect(throws: YAMLFileError.self) { try SuiteDecoder.decode(file: "s.yaml", text: text) }
  }
}
