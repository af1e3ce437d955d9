import CLinuxKVM
import Glibc
import GuestMemory

/// A vCPU's run page: mapped once, unmapped with its owner.
struct RunPage: ~Copyable {
  let run: UnsafeMutablePointer<kvm_run>
  let byteCount: Int

  init(descriptor: Int32, byteCount: Int) throws(KVMError) {
    guard let start = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), start != MAP_FAILED
    else {
      throw .map(byteCount: byteCount, errno: errno)
    }
    // SAFETY: the mapping starts with a `kvm_run` (api.rst, KVM_GET_VCPU_MMAP_SIZE), and KVMSystem checked its size.
    self.run = start.assumingMemoryBound(to: kvm_run.self)
    self.byteCount = byteCount
  }

  deinit { munmap(run, byteCount) }

  /// Where page `index` of the mapping begins; nil where the mapping is shorter.
  func address(ofPage index: Int) -> UnsafeMutableRawPointer? {
    let offset = index * GatheredWrites.pageSize
    return offset + GatheredWrites.pageSize <= byteCount ? UnsafeMutableRawPointer(run) + offset : nil
  }
}

/// Makes a vCPU leave KVM_RUN: sets the `immediate_exit` byte of its run page, from any thread or signal handler. A vCPU
/// that is inside the guest only sees it after a signal to its thread. It must not be used after its `VCPU` is gone.
public struct VCPUStopper: @unchecked Sendable {
  // SAFETY of Sendable: one byte, only ever stored and loaded atomically.
  private let immediateExit: UnsafeMutableRawPointer

  fileprivate init(immediateExit: UnsafeMutableRawPointer) { self.immediateExit = immediateExit }

  /// The next `run()`, or the one that a signal interrupts, returns `.interrupted` at once.
  public func requestImmediateExit() { pv_run_set_immediate_exit(immediateExit, 1) }

  /// True where it was requested: an interruption without it is some other signal's.
  public var isRequested: Bool { pv_run_has_immediate_exit(immediateExit) != 0 }

  /// Takes the request back.
  public func clearImmediateExit() { pv_run_set_immediate_exit(immediateExit, 0) }
}

/// Whether a vCPU runs when asked to (KVM_SET_MP_STATE). Those beyond the first start as `.uninitialized` where the
/// interrupt controllers are in the kernel.
public enum RunningState: UInt32, Sendable {
  case runnable = 0
  case uninitialized = 1
  case initReceived = 2
  case halted = 3
  case sipiReceived = 4
}

/// One virtual processor. Made on any thread, then run on one; every request but `stopper`'s blocks while it runs.
///
/// Sendable because it may be moved to its thread: it has one owner, and the kernel serialises its requests.
public struct VCPU: ~Copyable, @unchecked Sendable {
  let descriptor: Descriptor
  let page: RunPage

  init(descriptor: consuming Descriptor, mapSize: Int) throws(KVMError) {
    self.page = try RunPage(descriptor: descriptor.raw, byteCount: mapSize)
    self.descriptor = descriptor
  }

  /// Runs the guest until something needs userspace. An access in the returned exit must be answered before the next call;
  /// neither allocates nor locks.
  public func run() -> VCPUExit {
    let result = pv_kvm_run(descriptor.raw)
    if result >= 0 { return VCPUExit.decode(page.run, byteCount: page.byteCount) }
    return result == -EINTR || result == -EAGAIN ? .interrupted : .runFailed(errno: -result)
  }

  /// The way to make this vCPU leave the guest from elsewhere.
  public var stopper: VCPUStopper { VCPUStopper(immediateExit: pv_run_immediate_exit(page.run)) }

  /// This vCPU's own counters. They may be read from any thread while it runs; get them before.
  public func stats() throws(KVMError) -> KVMStats {
    let raw = try descriptor.request(.getStatsFD, pv_KVM_GET_STATS_FD)
    return try KVMStats(descriptor: Descriptor(owning: raw))
  }
}
