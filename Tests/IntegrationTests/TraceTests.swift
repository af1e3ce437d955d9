import HostTopology
import Machine
import MachineLauncher
import Measurement
import Testing

extension RealGuests {
  @Suite("tracepoints of real guests", .enabled(if: Host.exitEvent != nil, "KVM's tracepoints cannot be read here"))
  struct TraceTests {
    private let image: SeededImage

    init() throws { image = try SeededImage() }

    private func report(_ change: (inout MachineSpecification) -> Void) throws -> RunnerReport {
      var specification = DiskJob(disk: "ide-pio").specification(on: image)
      specification.traces = try Tracepoints.layouts(TraceEvent.allCases.map(\.rawValue))
      change(&specification)
      return try GuestRun.run(specification)
    }

    @Test func everyReturnOfKVMRunHasARecordWithItsReason() throws {
      let report = try report { _ in }
      let trace = try #require(report.trace)
      #expect(trace.lost == 0)
      #expect(report.lifetimeExits.byReason["io", default: 0] > 100)
      #expect(trace.events["kvm_userspace_exit"]?.byKey == report.lifetimeExits.byReason)
    }

    @Test func everyExitAtAPortIsAnAccessThatKVMTellsOf() throws {
      let report = try report { _ in }
      let told = try #require(report.trace?.events["kvm_pio"]).byKey
      let seen = report.lifetimeExits.byPlace.filter { $0.key.hasPrefix("io:") }
      #expect(seen.allSatisfy { told[String($0.key.dropFirst(3))] == $0.value })
    }

    @Test func severalProcessorsAreTracedTogether() throws {
      let report = try report {
        $0.vcpus = 2
        $0.disk = .none
        $0.kernel = "ipi"
        $0.choices = ["cpuid": "kvm", "ipi": "xapic"]
        $0.parameters = [("wait", "halt")]
      }
      #expect(report.trace?.events["kvm_userspace_exit"]?.byKey == report.lifetimeExits.byReason)
    }

    @Test func withoutTracingThereIsNone() throws {
      #expect(try report { $0.traces = [] }.trace == nil)
    }

    @Test func aTracepointThatCannotBeOpenedIsToldOf() throws {
      let report = try report { $0.traces = [TracepointLayout(name: "kvm_unheard_of", id: 65_535, fields: [:])] }
      #expect(report.status == .ok)
      #expect(report.trace == nil)
      #expect(report.notes.contains { $0.hasPrefix("cannot record KVM's tracepoints: ") })
    }
  }
}
