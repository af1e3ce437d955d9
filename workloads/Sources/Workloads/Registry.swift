/// Every workload kernel by the name that a suite's row gives. To add one: a file in this folder and a row here.
public enum WorkloadRegistry {
  /// A kernel: runs under a session, or says why it cannot.
  public typealias Kernel = @Sendable (Session) throws(WorkloadFailure) -> Void

  /// The rows.
  public static let all: [(name: StaticString, run: Kernel)] = [
    ("aes", AESWorkload.run),
    ("balloon", BalloonWorkload.run),
    ("branch", BranchWorkload.run),
    ("cache", CacheWorkload.run),
    ("chase", ChaseWorkload.run),
    ("clock", ClockWorkload.run),
    ("console", ConsoleWorkload.run),
    ("cyclic", CyclicWorkload.run),
    ("dirty", DirtyWorkload.run),
    ("disk", DiskWorkload.run),
    ("drift", DriftWorkload.run),
    ("entropy", EntropyWorkload.run),
    ("eoi", EOIWorkload.run),
    ("exits", ExitWorkload.run),
    ("flush", FlushWorkload.run),
    ("integer", IntegerWorkload.run),
    ("interrupts", InterruptWorkload.run),
    ("ipi", IPIWorkload.run),
    ("irqfd", ArrivalWorkload.byRelay),
    ("lock", LockWorkload.run),
    ("matmul", MatrixWorkload.run),
    ("misbehave", Misbehaviour.run),
    ("mix", MixWorkload.run),
    ("monotonic", MonotonicWorkload.run),
    ("nbody", NBodyWorkload.run),
    ("network", NetworkWorkload.run),
    ("netserver", NetworkServer.run),
    ("pagetable", PageTableWorkload.run),
    ("sendipi", ArrivalWorkload.byIPI),
    ("sha256", SHA256Workload.run),
    ("shootdown", ShootdownWorkload.run),
    ("steal", StealWorkload.run),
    ("stream", StreamWorkload.run),
    ("timer", TimerWorkload.run),
    ("touch", TouchWorkload.run),
    ("trap", TrapWorkload.run),
  ]

  /// The kernel with this name.
  public static func kernel(named name: [UInt8]) -> Kernel? {
    for row in all where Text.bytes(row.name) == name { return row.run }
    return nil
  }
}
