import HostTopology
import Measurement

/// What a campaign asks of its host. Injected, so that a campaign can be tested on any.
struct HostServices: Sendable {
  /// Facts and warnings; `results` is the folder that runs are made in.
  var record: @Sendable (_ vcpus: Int, _ kvmPath: String, _ results: String) -> HostRecord
  /// Where guests go, and the tracepoint to count; `home` is the NUMA node of their threads, where it was asked for.
  var resources: @Sendable (_ vcpus: Int, _ home: Int?, _ kvmPath: String) -> MachineResources

  /// What can change under a guest on these CPUs, or on all where there are none, as it is now.
  var moment: @Sendable (_ cpus: [Int]) -> HostMoment = { HostProbe().moment(cpus: $0) }

  /// QEMU, where a plan wants it.
  var qemu: @Sendable (_ environment: [String: String]) -> QEMUProgram = { QEMUProgram.locate(environment: $0) }

  /// This host.
  static let live = HostServices(
    record: { vcpus, kvmPath, results in HostProbe(kvmPath: kvmPath).record(vcpus: vcpus, results: results) },
    resources: { vcpus, home, kvmPath in
      MachineResources(
        placements: placements(vcpus: vcpus, home: home, topology: HostProbe().topology()),
        userspaceExitEvent: Tracepoints.userspaceExitEvent().id,
        hasTransparentHugePages: HostProbe().hasTransparentHugePages, kvmPath: kvmPath)
    })

  /// A guest's place under every policy. One that may run on no CPU that is known goes where the host likes.
  static func placements(
    vcpus: Int, home: Int?, topology: Topology
  ) -> [NUMAPolicy: Result<Placement, PlacementObstacle>] {
    var placements: [NUMAPolicy: Result<Placement, PlacementObstacle>] = [:]
    for policy in NUMAPolicy.allCases {
      placements[policy] = Result { () throws(PlacementObstacle) in
        try policy.place(vcpus: vcpus, home: home, topology: topology)
      }
    }
    if placements[.local] == .failure(.noCPUs) { placements[.local] = nil }
    return placements
  }
}
