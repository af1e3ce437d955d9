/// The program that a guest runs under: this project's own, or a peer that the same guest is put into beside it.
public enum GuestRunner: String, Codable, Sendable, CaseIterable {
  case builtin
  case previous
  case qemu
  case qemuTCG = "qemu-tcg"
  case kvmtool
  case bare

  /// One line for people.
  public var summary: String {
    switch self {
    case .builtin: "pvbench-vm"
    case .previous: "another build of pvbench-vm (--previous-runner, or PVBENCH_PREVIOUS_VM), with its own guest"
    case .qemu: "QEMU with KVM: microvm where every device is virtio-mmio, otherwise pc with qboot"
    case .qemuTCG:
      "QEMU that interprets the guest, for a host without KVM: a test of the guest, no measurement of hardware"
    case .kvmtool: "kvmtool: skipped, for it boots no PVH guest"
    case .bare: "no virtual machine: the guest's own code, run natively as a process of the host"
    }
  }

  /// True where the guest runs on the host's KVM, or asks it how long a second is.
  public var needsKVM: Bool { self != .qemuTCG && self != .kvmtool }

  /// What its process is told to be: another build knows itself as the builtin one.
  public var told: GuestRunner { self == .previous ? .builtin : self }

  /// True where QEMU runs the guest.
  public var isQEMU: Bool { self == .qemu || self == .qemuTCG }
}
