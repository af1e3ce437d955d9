import CLinuxKVM
import Glibc

/// Another program that works for this one, and never outlives it.
struct ChildProgram: ~Copyable {
  let process: pid_t
  private var hasEnded = false

  /// How a program ended.
  enum End: Equatable {
    case exited(Int32)
    case killed(signal: Int32)
  }

  /// Starts the program at `path`; `keeping` are descriptors that it inherits under their numbers.
  init(
    _ path: String, arguments: [String], keeping: [Int32], errors: Int32, withoutHugePages: Bool
  ) throws(MachineError) {
    var pointers = ([path] + arguments).map { strdup($0) } + [nil]
    defer { pointers.forEach { free($0) } }
    // SAFETY: a null-terminated vector of strings that live until the call has returned; the child has its own copy.
    process = pv_start_program(path, &pointers, keeping, Int32(keeping.count), errors, withoutHugePages ? 1 : 0)
    guard process > 0 else { throw .wiring("cannot start \(path): \(String(cString: strerror(-process)))") }
  }

  deinit {
    guard process > 0, !hasEnded else { return }
    Glibc.kill(process, SIGKILL)
    waitpid(process, nil, 0)
  }

  /// Ends it at once.
  func kill() { if !hasEnded { Glibc.kill(process, SIGKILL) } }

  /// Waits for its end.
  mutating func wait() -> End {
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    hasEnded = true
    // As the macros of waitpid(2) take a status apart.
    let signal = status & 0x7F
    return signal == 0 ? .exited(status >> 8 & 0xFF) : .killed(signal: signal)
  }
}
