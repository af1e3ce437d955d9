import DeviceModel
import MachineLauncher

/// The threads of a machine: one for each device that needs one, and one for each vCPU.
struct MachineThreads {
  /// The vCPUs' threads, in order.
  let vcpus: [PosixThread]
  private let workers: [PosixThread]
  private let devices: [any DeviceWorker]

  /// Starts them where the specification wants them. A device that fails leaves a note in `failure`; `delays` is told of those
  /// that it watches, and `timeline` of the devices' sleeps.
  init(
    _ specification: MachineSpecification, devices: [any DeviceWorker], failure: WorkerFailure,
    vcpus: [@Sendable () -> Void], delays: RunDelayWatch? = nil,
    timeline: Timeline? = nil
  ) throws(PosixThread.CreationError) {
    self.devices = devices
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
    self.workers = workers
    let cpus = specification.vcpuCPUs
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
