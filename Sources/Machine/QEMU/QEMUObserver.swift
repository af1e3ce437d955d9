import CLinuxKVM
import Glibc
import KVM
import MachineLauncher

/// What the host looks at while QEMU runs a guest: QEMU's threads, its CPU time, its memory, and KVM's count of the exits that
/// its vCPU's thread makes to userspace. Everything at the guest's doorbells, as with the builtin runner.
final class QEMUObserver {
  private(set) var window: WindowMeasurement?
  private(set) var memoryUsage: (guest: UInt64, runner: UInt64)?
  /// Userspace exits inside the window; nil where they cannot be counted here.
  private(set) var windowExits: UInt64?
  private(set) var notes: [String] = []

  private final class Counter {
    let counter: UserspaceExitCounter
    init(_ counter: consuming UserspaceExitCounter) { self.counter = counter }
  }

  private let process: pid_t
  private let specification: MachineSpecification
  private var counter: Counter?
  /// The vCPU's thread, where nothing else of the guest's runs on its CPU; QEMU's other threads share one.
  private var watchedThread: Int32?
  private var openRunDelay: Double?
  private var openCPUSeconds: Double?
  private var openExits: UInt64?

  init(process: pid_t, specification: MachineSpecification) {
    self.process = process
    self.specification = specification
  }

  /// The guest is ready: binds QEMU's threads to the CPUs that the builtin runner's are bound to, and begins to count.
  func ready() {
    let name = QEMUCommand.vcpuThread(specification.runner) + "\n"
    for thread in ProcessUsage.numbers(in: "/proc/\(process)/task") {
      let isVCPU = ProcessUsage.text(of: "/proc/\(process)/task/\(thread)/comm") == name
      let cpu = isVCPU ? specification.vcpuCPUs.first : specification.ioCPU
      if let cpu { _ = pv_pin_thread(thread, Int32(cpu)) }
      if isVCPU { count(on: thread) }
      if isVCPU, specification.hasCPUForEachVCPU { watchedThread = thread }
    }
  }

  func openWindow() {
    openExits = counter.flatMap { try? $0.counter.read() }
    openCPUSeconds = cpuSeconds()
    openRunDelay = runDelay
  }

  func closeWindow() {
    guard let openCPUSeconds, let closed = cpuSeconds() else { return }
    window = WindowMeasurement(cpuSeconds: closed - openCPUSeconds)
    if let openRunDelay, let runDelay { window?.longestRunDelaySeconds = runDelay - openRunDelay }
    if let openExits, let exits = counter.flatMap({ try? $0.counter.read() }) { windowExits = exits - openExits }
    memoryUsage = ProcessUsage.memory(of: process, guestBytes: specification.memory)
    if memoryUsage == nil { notes.append("memory.runner_overhead: guest RAM was not found among QEMU's mappings") }
  }

  /// QEMU's, and that of the far side, which is a thread of this process.
  private func cpuSeconds() -> Double? { ProcessUsage.cpuSeconds(of: process).map { $0 + ProcessUsage.cpuSeconds() } }

  private var runDelay: Double? { watchedThread.flatMap { ProcessUsage.runDelaySeconds(of: $0) } }

  private func count(on thread: Int32) {
    guard specification.runner == .qemu, let event = specification.userspaceExitEvent else { return }
    do throws(KVMError) {
      counter = Counter(try UserspaceExitCounter(event: event, thread: thread))
    } catch {
      notes.append("exits.per_op: QEMU's exits cannot be counted (\(error))")
    }
  }
}
