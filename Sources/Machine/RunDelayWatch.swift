import MachineLauncher
import Synchronization

/// How long a machine's threads wait for their CPUs while the guest is measured, by the host's scheduler. Each must have one
/// of its own: threads that take turns wait for each other, which is no competition.
final class RunDelayWatch: Sendable {
  private struct State {
    var threads: [Int32] = []
    var opened: [Double?] = []
  }
  private let state = Mutex(State())

  /// The calling thread is one of them.
  func enter() { state.withLock { $0.threads.append(ProcessUsage.thread) } }

  /// The window opens.
  func open() { state.withLock { state in state.opened = state.threads.map(ProcessUsage.runDelaySeconds) } }

  /// Seconds since then that the thread has waited which waited most; nil where the kernel keeps no such account.
  func longest() -> Double? {
    state.withLock { state in
      var longest: Double?
      for (thread, opened) in zip(state.threads, state.opened) {
        guard let opened, let now = ProcessUsage.runDelaySeconds(of: thread) else { return nil }
        longest = max(longest ?? 0, now - opened)
      }
      return longest
    }
  }
}

extension MachineSpecification {
  /// True where each of the machine's threads has a CPU of its own, and nobody's at the other end of a link is among them.
  var hasCPUForEachThread: Bool {
    let cpus = vcpuCPUs.prefix(vcpus) + (ioCPU.map { [$0] } ?? [])
    guard vcpuCPUs.count >= vcpus, Set(cpus).count == cpus.count else { return false }
    return switch network {
    case .none, .echo, .sink, .source: true
    case .socket, .tap, .stack, .iperf3, .peer: false
    }
  }
}
