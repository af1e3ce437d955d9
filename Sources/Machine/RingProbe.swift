import KVM

/// Finds out whether this host's KVM interprets a guest's ring 0 in place of running it: its interpreter does not know all
/// instructions, and a stock kernel uses more than it knows.
enum RingProbe {
  /// `popcnt eax, eax; out 0x80, eax`: every processor with virtualisation runs it, and KVM's interpreter has never known it.
  private static let program: [UInt8] = [0xF3, 0x0F, 0xB8, 0xC0, 0xE7, 0x80]

  /// True where KVM refuses to emulate what a processor would run.
  static func isRing0Interpreted(_ system: borrowing KVMSystem) -> Bool {
    ProbeGuest.run(program, system) { exit in
      if case .internalError = exit { true } else { false }
    } ?? false
  }
}
