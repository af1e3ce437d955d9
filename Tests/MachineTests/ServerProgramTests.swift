import Backends
import Glibc
import Synchronization
import Testing

@testable import Machine

private let hasTap = access("/dev/net/tun", R_OK | W_OK) == 0 && geteuid() == 0

@Suite("a server of the host's", .enabled(if: hasTap, "TAP interfaces cannot be made here"))
struct ServerProgramTests {
  /// What a server's thread says when it ends; nil where it is content.
  private final class Verdict: Sendable {
    let text = Mutex<String?>(nil)
  }

  private func server(_ script: String) throws -> ServerProgram {
    try ServerProgram("/bin/sh", arguments: ["-c", script], interface: try StackInterface())
  }

  private func start(_ server: ServerProgram, _ verdict: Verdict) throws -> PosixThread {
    try PosixThread(name: "server", cpu: nil) {
      do { try server.run() } catch { verdict.text.withLock { $0 = "\(error)" } }
    }
  }

  @Test func oneThatEndsByItselfIsAnErrorWithItsLastWords() throws {
    let verdict = Verdict()
    try start(try server("echo listening; echo no port is free; exit 3"), verdict).join()
    #expect(verdict.text.withLock { $0 } == "/bin/sh ended before its guest, with exit code 3: no port is free")
  }

  @Test func itSeesTheGuestsInterfaceAndTheHostDoesNot() throws {
    let verdict = Verdict()
    try start(try server("grep -c pv0: /proc/self/net/dev"), verdict).join()
    #expect(verdict.text.withLock { $0 } == "/bin/sh ended before its guest, with exit code 0: 1")
    #expect(access("/sys/class/net/pv0", F_OK) != 0)
  }

  @Test func stopEndsIt() throws {
    let verdict = Verdict()
    let server = try server("exec sleep 1000")
    let thread = try start(server, verdict)
    server.stop()
    thread.join()
    #expect(verdict.text.withLock { $0 } == nil)
  }
}
