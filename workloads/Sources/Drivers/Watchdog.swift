/// The local APIC's timer as a slow tick (Intel SDM 3, 11.5.4): whoever sleeps for a device's interrupt is woken now and then
/// all the same, and finds out that nothing comes any more.
public enum Watchdog {
  /// Starts the tick, about four a second where the APIC's clock is KVM's 1 GHz.
  public static func start() {
    LocalAPIC.write(.divide, 0b1011)  // by one
    LocalAPIC.write(.timer, 1 << 17 | UInt32(LocalAPIC.timerVector))  // periodic
    LocalAPIC.write(.initialCount, 250_000_000)
  }
}
