import Glibc

/// A process that was started by a test, its output in files of a temporary folder.
struct Child {
  /// How it ended, and what it said.
  struct Result {
    /// Exit code; 128 and the signal's number where a signal ended it.
    let status: Int32
    let output: String
    let errors: String
  }

  struct SpawnError: Error {
    let errno: Int32
  }

  let pid: pid_t
  private let folder: TemporaryFolder

  /// Starts `arguments` (a path first) with an empty environment.
  init(_ arguments: [String]) throws {
    folder = try TemporaryFolder()
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    for (descriptor, name) in [(STDOUT_FILENO, "output"), (STDERR_FILENO, "errors")] {
      posix_spawn_file_actions_addopen(&actions, descriptor, "\(folder.path)/\(name)", O_CREAT | O_WRONLY, 0o600)
    }
    var pointers = arguments.map { strdup($0) } + [nil]
    defer { pointers.forEach { free($0) } }
    var environment: [UnsafeMutablePointer<CChar>?] = [nil]
    var pid = pid_t()
    let code = posix_spawn(&pid, arguments[0], &actions, nil, &pointers, &environment)
    guard code == 0 else { throw SpawnError(errno: code) }
    self.pid = pid
  }

  /// Starts `arguments` and waits for the end.
  static func run(_ arguments: [String]) throws -> Result { try Child(arguments).wait() }

  /// Waits for the end; what takes longer than a minute is killed.
  func wait() -> Result {
    var status: Int32 = 0
    if !Child.eventually(seconds: 60, { waitpid(pid, &status, WNOHANG) == pid }) {
      kill(pid, SIGKILL)
      waitpid(pid, &status, 0)
    }
    let signal = status & 0x7F
    return Result(
      status: signal == 0 ? status >> 8 & 0xFF : 128 + signal, output: text("output"), errors: text("errors"))
  }

  /// What it has printed so far.
  var output: String { text("output") }

  /// True as soon as `condition` is; false when it is not after this long.
  static func eventually(seconds: Int, _ condition: () -> Bool) -> Bool {
    for _ in 0..<(200 * seconds) {
      if condition() { return true }
      usleep(5000)
    }
    return condition()
  }

  private func text(_ name: String) -> String {
    String(decoding: TemporaryFolder.contents(of: "\(folder.path)/\(name)"), as: UTF8.self)
  }
}

/// pvbench-vm itself: PVBENCH_VM, or what was built together with the tests.
enum RunnerProgram {
  /// The environment's choice, for instance a release build.
  static let chosen: String? = getenv("PVBENCH_VM").map { String(cString: $0) }

  static let path = chosen ?? "\(TemporaryFolder.programFolder)/pvbench-vm"

  static func run(_ arguments: [String]) throws -> Child.Result { try Child.run([path] + arguments) }
}
