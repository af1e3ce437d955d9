import CLinuxKVM
import Glibc

/// A named thread with a small stack, bound to one CPU where asked. vCPUs and I/O queues block in system calls: they are
/// threads, never tasks.
final class PosixThread: @unchecked Sendable {
  // SAFETY of Sendable: `thread` is written once, in `init`, before anyone else can see this object.
  private var thread = pthread_t()

  /// What a new thread is given.
  private final class Start {
    let name: String
    let cpu: Int?
    let body: () -> Void

    init(name: String, cpu: Int?, body: @escaping () -> Void) {
      self.name = name
      self.cpu = cpu
      self.body = body
    }
  }

  /// Why no thread could be started.
  struct CreationError: Error {
    let errno: Int32
  }

  /// Starts `body` on a new thread called `name` (15 bytes at most). A CPU that cannot be had is ignored: the supervisor
  /// has checked it, and a run on another CPU is better than none.
  init(name: String, cpu: Int?, body: @escaping @Sendable () -> Void) throws(CreationError) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, 512 << 10)
    let start = Unmanaged.passRetained(Start(name: name, cpu: cpu, body: body))
    let code = pthread_create(
      &thread, &attributes,
      { argument in
        guard let argument else { return nil }
        // SAFETY: the retained Start of this very thread, released here.
        let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        pv_name_current_thread(start.name)
        PosixThread.unblockInterrupts()
        if let cpu = start.cpu { _ = pv_pin_thread(0, Int32(cpu)) }
        start.body()
        return nil
      }, start.toOpaque())
    guard code == 0 else {
      start.release()
      throw CreationError(errno: code)
    }
  }

  /// Interrupts a system call of the thread: its handler does nothing.
  func interrupt() { pthread_kill(thread, SIGUSR1) }

  /// A signal mask is inherited, even from whoever started this process, and a vCPU that SIGUSR1 cannot reach never stops.
  private static func unblockInterrupts() {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGUSR1)
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }

  /// Waits for the end of the thread.
  func join() { pthread_join(thread, nil) }

  /// Makes SIGUSR1 interrupt system calls and do nothing else, in the whole process.
  static func installInterruptHandler() {
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { _ in }
    sigaction(SIGUSR1, &action, nil)
  }
}

/// Lets a millisecond pass.
func sleepMillisecond() { usleep(1000) }
