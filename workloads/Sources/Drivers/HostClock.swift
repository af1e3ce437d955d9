import GuestKernel
import PVWire

/// The host's CLOCK_MONOTONIC_RAW, a userspace exit a read: what a guest's own clock is compared with.
public struct HostClock {
  /// Nil where no host answers at the port.
  public init?() {
    guard pv_in32(MemoryMap.hostClock) != .max || pv_in32(MemoryMap.hostClock) != .max else { return nil }
  }

  /// Stamps the clock: the low half of its nanoseconds, some time between this call and its return.
  @inline(__always) public func stamp() -> UInt32 { pv_in32(MemoryMap.hostClock) }

  /// All of the nanoseconds of a stamp of now.
  public func nanoseconds() -> UInt64 {
    let low = UInt64(stamp())
    return UInt64(pv_in32(MemoryMap.hostClock + 4)) << 32 | low
  }
}
