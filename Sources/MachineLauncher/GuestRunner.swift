/// What runs a guest's program.
public enum GuestRunner: String, Codable, Sendable, CaseIterable {
  case builtin
  case bare

  /// One line for people.
  public var summary: String {
    switch self {
    case .builtin: "pvbench-vm"
    case .bare: "no virtual machine: the guest's own code, run natively as a process of the host"
    }
  }
}
