import CURing

/// An io_uring(7) that one thread enters: the one that calls `enable`.
struct Ring: ~Copyable {
  /// For liburing's calls.
  let pointer: UnsafeMutablePointer<io_uring>

  /// A ring with room for `entries` requests, disabled until `enable`. Its thread alone enters it, which spares the kernel its
  /// interrupts of that thread (Linux 6.1); older kernels give a plain one. Where a thread of the kernel takes the requests,
  /// there are no interrupts of ours to be spared; that thread sleeps when it has found nothing for a millisecond.
  init(entries: UInt32, isPolledByKernel: Bool = false) throws(BlockQueueError) {
    let pointer = UnsafeMutablePointer<io_uring>.allocate(capacity: 1)
    pointer.initialize(to: io_uring())
    let disabled = IORING_SETUP_R_DISABLED | (isPolledByKernel ? IORING_SETUP_SQPOLL : 0)
    let sparing = IORING_SETUP_SINGLE_ISSUER | (isPolledByKernel ? 0 : IORING_SETUP_DEFER_TASKRUN)
    var code = Self.prepare(pointer, entries: entries, flags: disabled | sparing)
    if code == -EINVAL { code = Self.prepare(pointer, entries: entries, flags: disabled) }
    guard code >= 0 else {
      pointer.deallocate()
      throw .ringRefused(errno: -code)
    }
    self.pointer = pointer
  }

  deinit {
    io_uring_queue_exit(pointer)
    pointer.deallocate()
  }

  /// Makes the calling thread the ring's only one, and `descriptor` the file that `use` names.
  func enable(file descriptor: Int32) throws(BlockQueueError) {
    for code in [pv_ring_enable(pointer), pv_ring_register_file(pointer, descriptor)] where code < 0 {
      throw .system(operation: "io_uring_register", errno: -code)
    }
  }

  private static func prepare(_ ring: UnsafeMutablePointer<io_uring>, entries: UInt32, flags: UInt32) -> Int32 {
    var parameters = io_uring_params()
    parameters.flags = flags
    parameters.sq_thread_idle = 1
    return io_uring_queue_init_params(entries, ring, &parameters)
  }
}
