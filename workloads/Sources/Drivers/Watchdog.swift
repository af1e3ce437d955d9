import GuestKernel

/// The local APIC's timer as a slow tick (Intel SDM 3, 11.5.4): whoever sleeps for a device's interrupt is woken now and then
/// all the same, and finds out that nothing comes any more.
public enum Watchdog {
  private static let base: UInt = 0xFEE0_0000
  private static let vector: UInt32 = 0x4E

  /// Starts the tick, about four a second where the APIC's clock is KVM's 1 GHz.
  public static func start() {
    pv_write32(base + 0x3E0, 0b1011)  // divide by one
    pv_write32(base + 0x320, 1 << 17 | vector)  // periodic
    pv_write32(base + 0x380, 250_000_000)
  }
}
