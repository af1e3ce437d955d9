/// A guest that pvbench did not write: a kernel's file, and what its boot protocol hands over.
public struct ForeignGuest: Equatable, Sendable {
  /// How a kernel is started.
  public enum BootProtocol: String, CaseIterable, Sendable {
    /// Whatever its content says: the Linux boot protocol, PVH or multiboot.
    case automatic
    /// Multiboot 1.
    case multiboot
  }

  /// The kernel's file.
  public var kernel: String
  /// How it is started.
  public var bootProtocol = BootProtocol.automatic
  /// The initial ramdisk's file.
  public var initrd: String?
  /// What is added to the kernel's command line.
  public var append = ""
  /// Whether the guest is given ACPI tables. Without them it has one vCPU, the 8259, and virtio-mmio devices by name on its
  /// command line.
  public var hasACPI = true
  /// The line of the console that is the user's marker contains this text.
  public var marker: String?
  /// Whether a Linux kernel is started where ring 0 is interpreted, which it does not survive.
  public var isForced = false
  /// When the runner was started, in nanoseconds of CLOCK_MONOTONIC: times of the boot are counted from there.
  public var startNanoseconds: UInt64?

  /// A guest from this file; see the properties.
  public init(kernel: String) { self.kernel = kernel }

  /// Its part of a runner's command line.
  var arguments: [String] {
    var list = ["boot-kernel=\(kernel)", "boot-protocol=\(bootProtocol.rawValue)"]
    if let initrd { list.append("boot-initrd=\(initrd)") }
    if !append.isEmpty { list.append("boot-append=\(append)") }
    if !hasACPI { list.append("boot-acpi=off") }
    if let marker { list.append("boot-marker=\(marker)") }
    if isForced { list.append("boot-force=yes") }
    if let startNanoseconds { list.append("boot-start-ns=\(startNanoseconds)") }
    return list
  }

  /// Takes one argument of such a command line, `boot-kernel` before all others; false where it is of another kind.
  static func take(
    _ argument: String, key: String, value: String, into guest: inout ForeignGuest?
  ) throws(SpecificationError) -> Bool {
    guard key.hasPrefix("boot-") else { return false }
    guard key != "boot-kernel" else {
      guest = ForeignGuest(kernel: value)
      return true
    }
    guard var changed = guest else { throw .badValue(argument: argument, expected: "boot-kernel=FILE before it") }
    switch key {
    case "boot-initrd": changed.initrd = value
    case "boot-append": changed.append = value
    case "boot-marker": changed.marker = value
    case "boot-protocol":
      guard let known = BootProtocol(rawValue: value) else {
        throw .badValue(
          argument: argument, expected: BootProtocol.allCases.map(\.rawValue).joined(separator: " or "))
      }
      changed.bootProtocol = known
    case "boot-acpi":
      guard value == "off" else { throw .badValue(argument: argument, expected: "off") }
      changed.hasACPI = false
    case "boot-force":
      guard value == "yes" else { throw .badValue(argument: argument, expected: "yes") }
      changed.isForced = true
    case "boot-start-ns":
      guard let number = UInt64(value) else { throw .badValue(argument: argument, expected: "a whole number") }
      changed.startNanoseconds = number
    default: throw .unknownArgument(argument)
    }
    guest = changed
    return true
  }
}
