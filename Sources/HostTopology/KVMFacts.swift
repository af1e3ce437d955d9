import CLinuxKVM
import Glibc
import Measurement

/// What KVM is on this host: its vendor module, API version, capabilities and parameters.
struct KVMFacts {
  /// The loaded vendor module, `kvm_intel`; nil where there is none (or it is built in).
  let vendor: String?
  /// Parameters of kvm and the vendor module, as `module.parameter`.
  let parameters: [String: JSONValue]
  /// KVM_GET_API_VERSION; nil where the device cannot be opened.
  let apiVersion: Int?
  /// KVM_GET_TSC_KHZ of a guest as KVM makes it, in kHz; nil where no guest can be made.
  let tscKilohertz: Int?
  /// Answers of KVM_CHECK_EXTENSION.
  let capabilities: [String: JSONValue]

  init(sysfs: String, path: String) {
    let modules = HostFile.names(in: sysfs + "/module").filter { $0 == "kvm" || $0.hasPrefix("kvm_") }
    // The known ones first: helper modules of other names may be loaded beside them.
    vendor = ["kvm_intel", "kvm_amd", "kvm_pvm"].first(where: modules.contains) ?? modules.first { $0 != "kvm" }
    var parameters: [String: JSONValue] = [:]
    for module in modules {
      let folder = "\(sysfs)/module/\(module)/parameters"
      for name in HostFile.names(in: folder) {
        parameters["\(module).\(name)"] = HostFile.text("\(folder)/\(name)").map(JSONValue.string) ?? .null
      }
    }
    self.parameters = parameters

    let device = open(path, O_RDWR | O_CLOEXEC)
    defer { if device >= 0 { close(device) } }
    let version = device >= 0 ? pv_ioctl_value(device, pv_KVM_GET_API_VERSION, 0) : -1
    guard version >= 0 else {
      apiVersion = nil
      tscKilohertz = nil
      capabilities = [:]
      return
    }
    apiVersion = Int(version)
    tscKilohertz = Self.tscKilohertz(device)
    capabilities = Dictionary(
      uniqueKeysWithValues: Self.notable.map { name, number in
        (name, .number(Double(max(0, pv_ioctl_value(device, pv_KVM_CHECK_EXTENSION, UInt(number))))))
      })
  }

  /// Asks a vCPU that never runs, and goes again with its VM: the descriptor of a VM answers only from Linux 5.18 on.
  private static func tscKilohertz(_ device: Int32) -> Int? {
    let machine = pv_ioctl_value(device, pv_KVM_CREATE_VM, 0)
    guard machine >= 0 else { return nil }
    defer { close(machine) }
    let vcpu = pv_ioctl_value(machine, pv_KVM_CREATE_VCPU, 0)
    guard vcpu >= 0 else { return nil }
    defer { close(vcpu) }
    let kilohertz = pv_ioctl_value(vcpu, pv_KVM_GET_TSC_KHZ, 0)
    return kilohertz > 0 ? Int(kilohertz) : nil
  }

  /// Capabilities that the runner uses or that explain a result, by the kernel's names.
  static let notable: [(name: String, number: Int32)] = [
    ("KVM_CAP_NR_VCPUS", KVM_CAP_NR_VCPUS), ("KVM_CAP_MAX_VCPUS", KVM_CAP_MAX_VCPUS),
    ("KVM_CAP_NR_MEMSLOTS", KVM_CAP_NR_MEMSLOTS), ("KVM_CAP_IMMEDIATE_EXIT", KVM_CAP_IMMEDIATE_EXIT),
    ("KVM_CAP_IRQFD", KVM_CAP_IRQFD), ("KVM_CAP_IOEVENTFD", KVM_CAP_IOEVENTFD),
    ("KVM_CAP_IOEVENTFD_ANY_LENGTH", KVM_CAP_IOEVENTFD_ANY_LENGTH), ("KVM_CAP_SPLIT_IRQCHIP", KVM_CAP_SPLIT_IRQCHIP),
    ("KVM_CAP_TSC_DEADLINE_TIMER", KVM_CAP_TSC_DEADLINE_TIMER), ("KVM_CAP_TSC_CONTROL", KVM_CAP_TSC_CONTROL),
    ("KVM_CAP_GET_TSC_KHZ", KVM_CAP_GET_TSC_KHZ), ("KVM_CAP_XCRS", KVM_CAP_XCRS),
    ("KVM_CAP_BINARY_STATS_FD", KVM_CAP_BINARY_STATS_FD), ("KVM_CAP_X86_USER_SPACE_MSR", KVM_CAP_X86_USER_SPACE_MSR),
    ("KVM_CAP_HALT_POLL", KVM_CAP_HALT_POLL), ("KVM_CAP_DIRTY_LOG_RING", KVM_CAP_DIRTY_LOG_RING),
  ]

  var record: [String: JSONValue] {
    [
      "vendor": vendor.map(JSONValue.string) ?? .null,
      "api_version": apiVersion.map { .number(Double($0)) } ?? .null,
      "tsc_khz": tscKilohertz.map { .number(Double($0)) } ?? .null,
      "capabilities": .object(capabilities), "parameters": .object(parameters),
    ]
  }
}
