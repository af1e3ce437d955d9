import MachineLauncher
import Synchronization

/// How long a machine's threads wait for their CPUs while the guest is measured, by the host's scheduler. Only those that have one
/// of their own are watched: threads that take turns wait for each other, which is no competition.
final class RunDelayWatch: Sendable {
  private struct State {
    var threads: [Int32] = []
    var opened: [Double?] = []
  }
  private let state = Mutex(State())
  /// True where I/O threads are to be watched as well as vCPUs.
  let includesIO: Bool

  /// A watch for such a machine; nil where its vCPUs have no CPUs of their own.
  init?(_ specification: MachineSpecification) {
    guard specification.hasCPUForEachVCPU else { return nil }
    includesIO = specification.hasCPUForIO
  }

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
  /// True where no other thread of the guest's runs on a vCPU's CPU, and nobody's at the other end of its link.
  var hasCPUForEachVCPU: Bool {
    let cpus = vcpuCPUs.prefix(vcpus) + (ioCPU.map { [$0] } ?? [])
    // That server is a program of its own, which goes where it likes.
    return vcpuCPUs.count >= vcpus && Set(cpus).count == cpus.count && network != .iperf3
  }

  /// True where nobody at the other end of a link runs beside the I/O threads.
  var hasCPUForIO: Bool {
    switch network {
    case .none, .echo, .sink, .source: ioCPU != nil
    case .socket, .tap, .stack, .iperf3, .peer: false
    }
  }
}
