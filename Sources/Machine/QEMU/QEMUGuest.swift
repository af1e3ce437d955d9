import Backends
import CLinuxKVM
import DeviceModel
import Glibc
import MachineLauncher
import Measurement
import PVWire

/// Runs the same guest under QEMU: the same ELF and orders, QEMU's devices, the same report.
enum QEMUGuest {
  /// Builds QEMU's machine, runs its guest and reports.
  ///
  /// - Throws: `MachineError` where nothing could be started. A QEMU that refuses its machine or dies is a report.
  static func run(_ specification: MachineSpecification) throws(MachineError) -> RunnerReport {
    if let reason = QEMUSupport.obstacle(
      runner: specification.runner, kernel: specification.kernel, choices: specification.choices,
      network: specification.network, vcpus: specification.vcpus)
    {
      return .skipped(reason)
    }
    let hertz = try GuestTSC.hertz(specification)
    let far = try FarSide(specification)
    let run = try QEMURun(specification, tscHertz: hertz, far: far)
    let worker = try far.stack.map { stack throws(MachineError) in
      do throws(PosixThread.CreationError) {
        return try PosixThread(name: "far side", cpu: specification.ioCPU) { stack.run() }
      } catch { throw MachineError(making: error) }
    }
    var outcome = run.outcome()
    far.stack?.stop()
    worker?.join()
    outcome.networkCounts = far.stack?.counts ?? [:]
    return report(outcome, exits: run.observer.windowExits)
  }

  /// The report, with the kernel's count of userspace exits in the place of the loop's, which is QEMU's own.
  static func report(_ outcome: GuestOutcome, exits: UInt64?) -> RunnerReport {
    var report = ReportBuilder.report(outcome)
    if let exits, let operations = report.metrics["window.ops"] {
      (report.exits.total, report.exits.userspace) = (exits, exits)
      report.metrics["exits.per_op"] = Double(exits) / operations
    }
    return report
  }
}

/// What is behind the network card: the host's own stack, or a TAP interface.
private struct FarSide {
  let stack: HostStack?
  let tap: TapPort?

  init(_ specification: MachineSpecification) throws(MachineError) {
    do throws(NetworkPortError) {
      switch specification.network {
      case .stack(let service): stack = try HostStack(service == .echo ? .echo : .sink)
      default: stack = nil
      }
      if case .tap(let name) = specification.network { tap = try TapPort(name: name) } else { tap = stack?.port }
    } catch { throw error.isHostLack ? .unavailable("\(error)") : .network("\(error)") }
  }
}

/// One QEMU process from its start to its end.
private final class QEMURun {
  let observer: QEMUObserver
  private let specification: MachineSpecification
  private let tscHertz: UInt64
  private let parent = getppid()
  private let started: UInt64
  private var child: ChildProgram
  private var bells: Pipe
  private var console: Pipe
  private var errors: Pipe

  private var results = SerialResults()
  private var resultError: SerialResults.SerialError?
  private var firstByte: UInt64?
  private var isDone = false
  private var standstillSeconds = 0.0
  private var hasPanicked = false
  private var errorBytes: [UInt8] = []
  private static let mostErrorBytes = 1 << 20

  init(_ specification: MachineSpecification, tscHertz: UInt64, far: FarSide) throws(MachineError) {
    self.specification = specification
    self.tscHertz = tscHertz
    bells = try Pipe()
    console = try Pipe()
    errors = try Pipe()
    let guest = try PayloadFile(try GuestPayload.image(specification), name: "guest")
    let orders = GuestPayload.orders(specification, tscHertz: tscHertz, hasRing: false)
    let module = try PayloadFile(orders.encoded(), name: "orders")
    var files = QEMUFiles(
      guest: Self.path(guest.descriptor), orders: Self.path(module.descriptor), bells: Self.path(bells.forWriting),
      console: Self.path(console.forWriting))
    files.tap = far.tap?.inputDescriptor
    if case .file(let path, _) = specification.disk { files.isBlockDevice = Self.isBlockDevice(path) }
    var kept = [guest.descriptor, module.descriptor, bells.forWriting, console.forWriting]
    if let tap = files.tap { kept.append(tap) }
    if case .socket(let descriptor) = specification.network { kept.append(descriptor) }
    started = HostClock.sinceBoot()
    child = try ChildProgram(
      specification.qemu, arguments: QEMUCommand(specification, files: files).arguments, keeping: kept,
      errors: errors.forWriting, withoutHugePages: specification.choices["pages"] == "4k")
    observer = QEMUObserver(process: child.process, specification: specification)
    bells.handOver()
    console.handOver()
    errors.handOver()
  }

  private static func path(_ descriptor: Int32) -> String { "/proc/self/fd/\(descriptor)" }

  private static func isBlockDevice(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFBLK
  }

  /// Follows it to its end.
  func outcome() -> GuestOutcome {
    let isInTime = follow()
    if !isInTime { child.kill() }
    let end = child.wait()
    if resultError == nil {
      do throws(SerialResults.SerialError) { try results.finish() } catch { resultError = error }
    }
    let lines = String(decoding: errorBytes, as: UTF8.self).split(separator: "\n").map(String.init)

    var outcome = GuestOutcome()
    outcome.tscHertz = tscHertz
    outcome.standstillSeconds = standstillSeconds
    outcome.records = results.records
    outcome.window = observer.window
    (outcome.exits, outcome.loopExits) = (nil, nil)
    outcome.memoryUsage = observer.memoryUsage
    outcome.firstByteSeconds = firstByte.map { Double($0 - started) / 1e9 }
    outcome.log = results.log + lines.suffix(QEMUVerdict.keptLines).map { "qemu: \($0)" }
    outcome.notes = observer.notes + (DiskMedium.note(on: specification.disk).map { [$0] } ?? [])
    if specification.runner == .qemuTCG {
      outcome.notes.append("QEMU interprets this guest: no measurement of hardware")
    }
    outcome.stopReason = hasPanicked ? .panic : .done
    if !isInTime {
      let seconds = Double(specification.timeoutNanoseconds) / 1e9
      let reason = QEMUVerdict.reason(lines).map { " (\($0))" } ?? ""
      outcome.hostError = "the guest did not finish within \(seconds) s under QEMU\(reason)"
    } else if let resultError {
      outcome.hostError = resultError.description
    } else if !hasPanicked {
      outcome.hostError = QEMUVerdict.obstacle(isDone: isDone, end: end, errors: lines)
    }
    return outcome
  }

  /// Reads everything that comes until QEMU has ended; false where its time is up. A runner whose parent died ends at once,
  /// and QEMU with it.
  private func follow() -> Bool {
    let deadline = started + specification.timeoutNanoseconds
    var standstill = StandstillWatch()
    defer { standstillSeconds = standstill.seconds }
    var watch = DescriptorWait([bells.readEnd, console.readEnd, errors.readEnd])
    var open = 3
    while open > 0 {
      let now = HostClock.sinceBoot()
      guard now < deadline else { return false }
      standstill.during(deadline - now) { watch.wait(nanoseconds: $0) }
      guard getppid() == parent else { _exit(1) }
      for index in 0..<3 where watch.isReady(index) {
        if !hear(index) {
          watch.replace(index, by: -1)
          open -= 1
        }
      }
    }
    return true
  }

  /// Reads one of the pipes; false at its end.
  private func hear(_ index: Int) -> Bool {
    switch index {
    case 0:
      let bytes = bells.read()
      bytes.forEach(answer)
      return !bytes.isEmpty
    case 1:
      let bytes = console.read()
      if firstByte == nil, !bytes.isEmpty { firstByte = HostClock.sinceBoot() }
      guard resultError == nil else { return !bytes.isEmpty }
      do throws(SerialResults.SerialError) { try results.take(bytes) } catch {
        resultError = error
        child.kill()
      }
      return !bytes.isEmpty
    default:
      let bytes = errors.read()
      if errorBytes.count < Self.mostErrorBytes { errorBytes += bytes }
      return !bytes.isEmpty
    }
  }

  /// What the host does at a doorbell.
  private func answer(_ byte: UInt8) {
    switch Doorbell(rawValue: byte) {
    case .ready: observer.ready()
    case .windowOpen: observer.openWindow()
    case .windowClose: observer.closeWindow()
    case .done: isDone = true
    case .panic:
      hasPanicked = true
      child.kill()
    case .firstInstruction, .drain, nil: break
    }
  }
}
