import DeviceModel
import MachineLauncher

/// The threads of a machine: one for each device that needs one, one for each vCPU, and one that watches these where asked.
struct MachineThreads {
  /// The vCPUs' threads, in order.
  let vcpus: [PosixThread]
  private let workers: [PosixThread]
  private let devices: [any DeviceWorker]

  /// Starts them where the specification wants them. A device that fails leaves a note in `failure`; `delays` is told of those
  /// that it watches, and `timeline` of the devices' sleeps. A `watcher` is no part of the machine: it shares no CPU with a vCPU
  /// that it does not have to.
  init(
    _ specification: MachineSpecification, devices: [any DeviceWorker], watcher: ExitTracer? = nil,
    failure: WorkerFailure, vcpus: [@Sendable () -> Void], delays: RunDelayWatch? = nil, timeline: Timeline? = nil
  ) throws(PosixThread.CreationError) {
    self.devices = devices + (watcher.map { [$0] } ?? [])
    var workers: [PosixThread] = []
    for (index, device) in devices.enumerated() {
      let delays = delays?.includesIO == true ? delays : nil
      let sleeps = timeline?.workers[index]
      workers.append(
        try PosixThread(name: "io\(index)", cpu: specification.ioCPU) {
          delays?.enter()
          sleeps?.begin()
          defer { sleeps?.end() }
          do { try device.run() } catch { failure.note("I/O thread \(index): \(error)") }
        })
    }
    let cpus = specification.vcpuCPUs
    if let watcher {
      let beside = specification.ioCPU.flatMap { cpus.contains($0) ? nil : $0 }
      workers.append(try PosixThread(name: "tracer", cpu: beside) { watcher.run() })
    }
    self.workers = workers
    var threads: [PosixThread] = []
    for (index, run) in vcpus.enumerated() {
      threads.append(
        try PosixThread(name: "vcpu\(index)", cpu: cpus.isEmpty ? nil : cpus[index % cpus.count]) {
          delays?.enter()
          run()
        })
    }
    self.vcpus = threads
  }

  /// Waits until every vCPU has ended, and then ends the devices: a guest's last words come through.
  func join() {
    vcpus.forEach { $0.join() }
    devices.forEach { $0.stop() }
    workers.forEach { $0.join() }
  }
}
