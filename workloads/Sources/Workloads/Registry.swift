/// Every workload kernel by the name that a suite's row gives. To add one: a file in this folder and a row here.
public enum WorkloadRegistry {
  /// A kernel: runs under a session, or says why it cannot.
  public typealias Kernel = @Sendable (Session) throws(WorkloadFailure) -> Void

  /// The rows.
  public static let all: [(name: StaticString, run: Kernel)] = [
    ("balloon", BalloonWorkload.run),
    ("clock", ClockWorkload.run),
    ("console", ConsoleWorkload.run),
    ("disk", DiskWorkload.run),
    ("entropy", EntropyWorkload.run),
    ("eoi", EOIWorkload.run),
    ("exits", ExitWorkload.run),
    ("interrupts", InterruptWorkload.run),
    ("ipi", IPIWorkload.run),
    ("lock", LockWorkload.run),
    ("misbehave", Misbehaviour.run),
    ("network", NetworkWorkload.run),
    ("netserver", NetworkServer.run),
    ("timer", TimerWorkload.run),
  ]

  /// The kernel with this name.
  public static func kernel(named name: [UInt8]) -> Kernel? {
    for row in all where Text.bytes(row.name) == name { return row.run }
    return nil
  }
}
