import Foundation

/// A program that is run to its end, with what it took.
struct Chore {
  let status: Int32
  /// Wall time in seconds.
  let seconds: Double
  /// The largest resident set, in bytes.
  let peakBytes: Int

  /// Runs `arguments`, a path first, with standard output in the file `output`; kills it after `limit` seconds.
  ///
  /// The peak is never below this process's own at the start, for so Linux counts (exec of a vforked child): keep it small.
  init(_ arguments: [String], output: String = "/dev/null", limit: Double = .infinity) throws {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output, O_CREAT | O_WRONLY | O_TRUNC, 0o600)
    var pointers = arguments.map { strdup($0) } + [nil]
    defer { pointers.forEach { free($0) } }
    let started = ContinuousClock.now
    var pid = pid_t()
    let code = posix_spawn(&pid, arguments[0], &actions, nil, &pointers, environ)
    guard code == 0 else { throw POSIXError(POSIXErrorCode(rawValue: code) ?? .EIO) }
    if limit.isFinite {
      usleep(UInt32(limit * 1e6))
      kill(pid, SIGKILL)
    }
    var (status, usage) = (Int32(0), rusage())
    while wait4(pid, &status, 0, &usage) < 0, errno == EINTR {}
    seconds = (ContinuousClock.now - started) / .seconds(1)
    peakBytes = usage.ru_maxrss * 1024
    self.status = status
  }

  /// - Throws: `Failure` where it did not end well.
  func check(_ name: String) throws(Failure) {
    guard status == 0 else { throw Failure(name: name, status: status) }
  }

  struct Failure: Error {
    let name: String
    /// As waitpid has it.
    let status: Int32
  }
}
