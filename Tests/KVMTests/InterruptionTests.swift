import Glibc
import KVM
import Synchronization
import Testing

@Suite("requests under signals", .enabled(if: Host.hasKVM, "/dev/kvm cannot be opened"))
struct InterruptionTests {
  /// KVM_CREATE_VM gives up with EINTR while a signal is pending, which io_uring's work for a thread counts as.
  @Test func aMachineIsMadeUnderAHailOfSignals() throws {
    let hail = try Hail()
    defer { hail.end() }
    let system = try KVMSystem()
    for _ in 0..<200 { _ = try system.createVM() }
    #expect(hail.count > 100)
  }
}

/// A thread that sends SIGUSR2, which does nothing, to the calling thread every 80 µs or so.
private final class Hail: Sendable {
  private let isOver = Atomic(false)
  private let sent = Atomic(0)
  private let thread = Atomic<UInt>(0)

  /// Signals sent so far.
  var count: Int { sent.load(ordering: .relaxed) }

  init() throws {
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { _ in }
    action.sa_flags = SA_RESTART
    sigaction(SIGUSR2, &action, nil)
    var received = sigset_t()
    sigemptyset(&received)
    sigaddset(&received, SIGUSR2)
    pthread_sigmask(SIG_UNBLOCK, &received, nil)
    var created = pthread_t()
    let start = Unmanaged.passRetained(Start(hail: self, target: pthread_self()))
    let code = pthread_create(
      &created, nil,
      { argument in
        let start = argument.map { Unmanaged<Start>.fromOpaque($0).takeRetainedValue() }
        if let start { start.hail.fall(on: start.target) }
        return nil
      }, start.toOpaque())
    try #require(code == 0)
    thread.store(created, ordering: .relaxed)
  }

  func end() {
    isOver.store(true, ordering: .relaxed)
    pthread_join(thread.load(ordering: .relaxed), nil)
  }

  private func fall(on target: pthread_t) {
    while !isOver.load(ordering: .relaxed) {
      pthread_kill(target, SIGUSR2)
      sent.add(1, ordering: .relaxed)
      usleep(20)
    }
  }

  private final class Start: Sendable {
    let hail: Hail
    let target: pthread_t
    init(hail: Hail, target: pthread_t) { (self.hail, self.target) = (hail, target) }
  }
}
