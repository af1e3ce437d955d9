import Glibc

/// Whether this process may use KVM; asked before anything is made on disk.
public enum KVMAccess {
  /// The device: `PVBENCH_KVM_PATH`, or `/dev/kvm`.
  public static func path(environment: [String: String]) -> String { environment["PVBENCH_KVM_PATH"] ?? "/dev/kvm" }

  /// Opens the device for reading and writing, and closes it again.
  ///
  /// - Throws: `CampaignError.host`, with what to do about it.
  public static func check(_ path: String) throws(CampaignError) {
    let descriptor = open(path, O_RDWR | O_CLOEXEC)
    guard descriptor < 0 else {
      close(descriptor)
      return
    }
    let code = errno
    let advice =
      switch code {
      case EACCES, EPERM: "add yourself to group kvm, or run as root"
      case ENOENT: "load the kvm module, or enable virtualisation in firmware or hypervisor"
      default: "is this a host with KVM?"
      }
    throw .host(
      "cannot open \(path): \(String(cString: strerror(code)).lowercased()) (\(advice); "
        + "--runner qemu-tcg tests the guests without KVM, and measures no hardware)")
  }
}
