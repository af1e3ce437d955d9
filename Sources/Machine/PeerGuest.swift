import CLinuxKVM
import Glibc
import MachineLauncher
import Measurement
import PVWire

/// The guest at the other end of a link: this program once more, as a process of its own, with the same choices and a kernel
/// that answers. It ends when it is asked to, and at the latest with this process.
final class PeerGuest {
  private let process: pid_t
  private let output: Int32
  private var hasEnded = false

  /// Frames of up to 64 KiB that may be on their way: more than any window of a workload.
  private static let bufferSize: Int32 = 8 << 20
  private static let socketDescriptor: Int32 = 3
  private static let patienceMilliseconds = 5000

  /// Runs a guest beside another: `body` is given the specification with a socket in the place of the peer, and what the
  /// other guest saw is added to its report.
  static func run(
    beside specification: MachineSpecification,
    _ body: (MachineSpecification) throws(MachineError) -> RunnerReport
  ) throws(MachineError) -> RunnerReport {
    var ends: [Int32] = [0, 0]
    let code = pv_frame_sockets(&ends, bufferSize)
    guard code == 0 else { throw .network("cannot join two guests: \(String(cString: strerror(-code)))") }
    var own = specification
    own.network = .socket(descriptor: ends[0])
    let peer: PeerGuest
    do throws(MachineError) { peer = try PeerGuest(specification, socket: ends[1]) } catch {
      close(ends[0])
      close(ends[1])
      throw error
    }
    close(ends[1])
    var report = try body(own)
    peer.enter(&report)
    return report
  }

  private init(_ specification: MachineSpecification, socket: Int32) throws(MachineError) {
    output = pv_memory_file()
    guard output >= 0 else { throw .network("no memory file: \(String(cString: strerror(-output)))") }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, socket, Self.socketDescriptor)
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    let arguments = ["pvbench-vm"] + Self.specification(beside: specification).arguments
    var pointers = arguments.map { strdup($0) } + [nil]
    defer { pointers.forEach { free($0) } }
    var process = pid_t()
    let code = posix_spawn(&process, "/proc/self/exe", &actions, nil, &pointers, environ)
    guard code == 0 else {
      close(output)
      throw .network("cannot start the other guest's runner: \(String(cString: strerror(code)))")
    }
    self.process = process
  }

  deinit {
    if !hasEnded {
      kill(process, SIGKILL)
      waitpid(process, nil, 0)
    }
    close(output)
  }

  /// The other guest's: its vCPU where this one's I/O is, and time until this one is given up.
  static func specification(beside first: MachineSpecification) -> MachineSpecification {
    var peer = first
    peer.network = .socket(descriptor: socketDescriptor)
    peer.station = first.station % 254 + 1
    peer.parent = getpid()
    peer.vcpus = 1
    peer.kernel = "netserver"
    peer.disk = .none
    peer.parameters = first.parameters.filter { $0.name == "completion" }
    peer.parameters.append(("address", String(ProbeDatagram.farAddress)))
    peer.warmupNanoseconds = 0
    peer.windowNanoseconds = first.timeoutNanoseconds
    peer.timeoutNanoseconds = min(first.timeoutNanoseconds + 5_000_000_000, MachineSpecification.longestNanoseconds)
    peer.vcpuCPUs = first.ioCPU.map { [$0] } ?? []
    peer.userspaceExitEvent = nil
    peer.timeline = nil
    return peer
  }

  /// Adds what became of the frames at the other end; a guest whose peer failed has failed.
  private func enter(_ report: inout RunnerReport) {
    // One that failed may not have asked the other to end, which is killed.
    guard report.status == .ok else { return }
    switch ended() {
    case .failure(let reason):
      (report.status, report.reason) = (.failed, "the other guest: \(reason)")
    case .success(let other): Self.merge(other, into: &report)
    }
  }

  /// Loss and damage add up; drops are told apart by their place.
  static func merge(_ other: RunnerReport, into report: inout RunnerReport) {
    for name in ["lost", "reordered", "duplicated", "corrupted", "taken"] {
      report.metrics["network.\(name)", default: 0] += other.metrics["network.\(name)"] ?? 0
    }
    for place in ["card_outgoing", "card_incoming", "port_outgoing", "port_incoming"] {
      report.metrics["network.peer_dropped_\(place)"] = other.metrics["network.dropped_\(place)"]
    }
    // Frames of one wait for the other: a guest whose peer stood still was held up as if it had itself.
    let stood = [report, other].compactMap { $0.metrics["host.stood_still"] }.max()
    report.metrics["host.stood_still"] = stood
    report.log += other.log.map { "the other guest: \($0)" }
  }

  /// Waits for the other runner's end; its report, or why there is none.
  private func ended() -> Outcome {
    var status: Int32 = 0
    var waited = 0
    while waitpid(process, &status, WNOHANG) != process {
      guard waited < Self.patienceMilliseconds else { return .failure("it did not end when it was asked to") }
      usleep(2000)
      waited += 2
    }
    hasEnded = true
    guard status == 0 else { return .failure("its runner ended with status \(status)") }
    let report = RunnerReport(parsing: text())
    guard report.isComplete else { return .failure("its report is not complete") }
    return report.status == .ok ? .success(report) : .failure(report.reason ?? "no reason given")
  }

  private enum Outcome {
    case success(RunnerReport)
    case failure(String)
  }

  private func text() -> String {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while case let count = pread(output, &chunk, chunk.count, off_t(bytes.count)), count > 0 {
      bytes += chunk[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
