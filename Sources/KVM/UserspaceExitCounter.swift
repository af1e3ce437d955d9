import CLinuxKVM
import Glibc

/// The kernel's own count of how often KVM_RUN returned to this thread: `kvm:kvm_userspace_exit`, counted (never sampled) by
/// perf_event_open(2), about 0.2 µs an event. It stands beside the exit loop's count and must agree with it.
public struct UserspaceExitCounter: ~Copyable {
  private let descriptor: Descriptor

  /// Counts from now on, on one thread only.
  ///
  /// - Parameters:
  ///   - event: the tracepoint's id, from `events/kvm/kvm_userspace_exit/id` of tracefs.
  ///   - thread: the id of a thread of any process; 0 for the calling one.
  /// - Throws: `.exitCounter` where the id is wrong or the caller lacks CAP_PERFMON.
  public init(event: UInt64, thread: Int32 = 0) throws(KVMError) {
    let raw = pv_perf_count_tracepoint(event, thread)
    guard raw >= 0 else { throw .exitCounter(errno: -raw) }
    self.descriptor = Descriptor(owning: raw)
  }

  /// Events so far.
  public func read() throws(KVMError) -> UInt64 {
    var count: UInt64 = 0
    // SAFETY: a counter without a read format is one 64-bit value.
    guard Glibc.read(descriptor.raw, &count, 8) == 8 else { throw .exitCounter(errno: errno) }
    return count
  }
}
