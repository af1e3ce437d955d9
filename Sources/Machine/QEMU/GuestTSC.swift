import CLinuxKVM
import Glibc
import KVM
import MachineLauncher

/// The frequency of a guest's TSC where another program runs it.
enum GuestTSC {
  /// Ticks a second: what KVM gives every guest on this host, or where QEMU interprets the guest (and passes the host's own TSC
  /// on), measured against CLOCK_MONOTONIC_RAW.
  static func hertz(_ specification: MachineSpecification) throws(MachineError) -> UInt64 {
    guard specification.runner.needsKVM else { return measured(milliseconds: 50) }
    do throws(KVMError) {
      let machine = try KVMSystem(path: specification.kvmPath).createVM()
      return UInt64(try machine.createVCPU(index: 0).tscKHz()) * 1000
    } catch { throw .kvm(error) }
  }

  private static func measured(milliseconds: UInt32) -> UInt64 {
    let (firstTicks, first) = (pv_rdtsc(), nanoseconds())
    usleep(milliseconds * 1000)
    let (lastTicks, last) = (pv_rdtsc(), nanoseconds())
    return UInt64(Double(lastTicks &- firstTicks) * 1e9 / Double(last - first))
  }

  private static func nanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC_RAW, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
