import Glibc
import MachineLauncher

/// What `pvbench boot` was asked for, as its options say it.
public struct BootRequest: Sendable {
  /// A kernel of any format; nil where there is a multiboot guest.
  public var kernel: String?
  /// A multiboot guest.
  public var multiboot: String?
  /// The initial ramdisk, or the multiboot guest's module.
  public var initrd: String?
  /// What is added to the kernel's command line.
  public var append = ""
  /// Whether the guest is given ACPI tables.
  public var hasACPI = true
  /// Whether Linux is started where ring 0 is interpreted.
  public var isForced = false
  /// Text of the console's line that is the user's marker.
  public var marker: String?
  /// The row of choices to start from.
  public var mode = "paravirt"
  /// Choices that differ: `key=value`.
  public var choices: [String] = []
  /// vCPUs.
  public var vcpus = 1
  /// Guest RAM in bytes.
  public var memory: UInt64 = 256 << 20
  /// A raw file or block device as the guest's disk.
  public var disk: String?
  /// What is behind the network card, as `NetworkBacking` describes it.
  public var network: String?
  /// Nanoseconds until the guest is given up.
  public var timeout: UInt64 = 60_000_000_000

  /// Nothing but the defaults.
  public init() {}

  /// The machine that the request means.
  ///
  /// - Throws: `CampaignError.usage`, naming the option.
  func specification(kvmPath: String) throws(CampaignError) -> MachineSpecification {
    var specification = MachineSpecification()
    specification.foreign = try guest()
    var mode = try Mode.parse(mode)
    mode = try mode.applying(choices)
    specification.choices = mode.choices
    guard (1...16).contains(vcpus) else { throw .usage("--vcpus \(vcpus): expected 1 to 16") }
    specification.vcpus = vcpus
    guard (32 << 20...1 << 30).contains(memory) else {
      throw .usage("--memory \(Quantity.text(bytes: memory)): expected 32MiB to 1GiB")
    }
    specification.memory = memory
    if let disk {
      try Self.check(disk, option: "--disk")
      specification.disk = .file(path: disk, isBuffered: false)
    }
    if let network {
      guard let backing = NetworkBacking(network) else {
        throw .usage("--net \(network): expected \(NetworkBacking.forms)")
      }
      guard backing != .peer else { throw .usage("--net peer: only pvbench's own guests have peers") }
      specification.network = backing
    } else {
      specification.choices["net"] = "none"
    }
    guard timeout <= MachineSpecification.longestNanoseconds else {
      throw .usage("--timeout: expected at most 11 days")
    }
    specification.timeoutNanoseconds = timeout
    specification.kvmPath = kvmPath
    return specification
  }

  private func guest() throws(CampaignError) -> ForeignGuest {
    guard let path = kernel ?? multiboot, kernel == nil || multiboot == nil else {
      throw .usage("boot needs either --kernel FILE or --multiboot FILE")
    }
    try Self.check(path, option: kernel == nil ? "--multiboot" : "--kernel")
    if let initrd { try Self.check(initrd, option: "--initrd") }
    var guest = ForeignGuest(kernel: path)
    guest.bootProtocol = kernel == nil ? .multiboot : .automatic
    guest.initrd = initrd
    guest.append = append
    guest.hasACPI = hasACPI
    guest.isForced = isForced
    guest.marker = marker
    return guest
  }

  private static func check(_ path: String, option: String) throws(CampaignError) {
    guard access(path, R_OK) == 0 else {
      throw .usage("\(option) \(path): \(String(cString: strerror(errno)).lowercased())")
    }
  }
}
