import HostTopology
import Measurement

/// What a campaign asks of its host. Injected, so that a campaign can be tested on any.
struct HostServices: Sendable {
  /// Facts and warnings.
  var record: @Sendable (_ vcpus: Int, _ kvmPath: String) -> HostRecord
  /// CPUs of the vCPU and I/O threads, and the tracepoint to count.
  var resources: @Sendable (_ vcpus: Int, _ kvmPath: String) -> MachineResources

  /// QEMU, where a plan wants it.
  var qemu: @Sendable (_ environment: [String: String]) -> QEMUProgram = { QEMUProgram.locate(environment: $0) }

  /// This host.
  static let live = HostServices(
    record: { vcpus, kvmPath in HostProbe(kvmPath: kvmPath).record(vcpus: vcpus) },
    resources: { vcpus, kvmPath in
      let pinning = Pinning.plan(vcpus: vcpus, topology: HostProbe().topology())
      return MachineResources(
        vcpuCPUs: pinning?.vcpuCPUs ?? [], ioCPU: pinning?.ioCPU,
        userspaceExitEvent: Tracepoints.userspaceExitEvent().id, kvmPath: kvmPath)
    })
}
