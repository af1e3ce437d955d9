import CLinuxKVM
import DeviceModel
import Glibc
import GuestMemory
import KVM
import MachineLauncher
import Measurement
import PVWire
import Synchronization

/// Runs one guest from nothing to its report: the whole life of a runner process.
public enum GuestRun {
  /// Builds the machine that `specification` describes, runs its guest and reports.
  ///
  /// - Throws: `MachineError` where no guest could be started. A guest that misbehaves is a report, not an error, and so is
  ///   a host that cannot offer what the machine is made of: `skipped`.
  public static func run(_ specification: MachineSpecification) throws(MachineError) -> RunnerReport {
    do {
      guard specification.network == .peer else { return try one(specification) }
      return try PeerGuest.run(beside: specification, one)
    } catch .unavailable(let reason) {
      return .skipped(reason)
    }
  }

  private static func one(_ specification: MachineSpecification) throws(MachineError) -> RunnerReport {
    switch specification.runner.told {
    case .builtin, .previous: try Machine(specification).run()
    case .bare: try BareRun(specification).run()
    case .qemu, .qemuTCG, .kvmtool: try QEMUGuest.run(specification)
    }
  }
}

/// A machine on its way to being run once.
private final class Machine {
  private let specification: MachineSpecification
  private let memory: GuestMemory
  private let createTSC: UInt64
  private let tscHertz: UInt64
  private let vcpus: [VCPURunner]
  private let attendant: DoorbellAttendant
  /// Signalled when a vCPU's loop has ended.
  private let ended: EventFD
  private let wiring: Wiring
  private let workerFailure: WorkerFailure
  private let delays: RunDelayWatch?
  private let timeline: Timeline?
  /// Whoever started this runner, as early as it can be known.
  private let parent = getppid()
  // Last, and never used again: the VM must outlive everything that was attached to it.
  private let virtualMachine: VirtualMachine

  init(_ specification: MachineSpecification) throws(MachineError) {
    if let parent = specification.parent {
      guard pv_die_with_parent() == 0, getppid() == parent else { throw .wiring("the process \(parent) has ended") }
    }
    pv_use_one_heap()
    self.specification = specification
    delays = RunDelayWatch(specification)
    do {
      workerFailure = try WorkerFailure()
      ended = try EventFD()
    } catch { throw .wiring("no eventfd, errno \(error.errno)") }
    let image = try GuestPayload.image(specification)
    do {
      // Everything that needs no VM comes before its creation.
      let system = try KVMSystem(path: specification.kvmPath)
      let way = WayOut(specification)
      let makesHypercalls =
        specification.choices["ipi"] == "hypercall" || specification.choices["lock"] == "kick"
        || way?.isHypercall == true
      if makesHypercalls, !HypercallProbe.reachesKVM(system) {
        throw MachineError.unavailable("hypercalls do not reach KVM on this host")
      }
      let memory = try GuestMemory(of: specification)
      let entry = try GuestLoader.load(image, into: memory)
      try GuestLoader.writePageTables(into: memory)
      let supported = try system.supportedCPUID().showingListedStates()
      var wiring = try Wiring(specification)
      let table = specification.choices["cpuid"] == "kvm" ? supported : supported.hidingHypervisor()

      createTSC = pv_rdtsc()
      let machine = try system.createVM()
      try machine.setMemory(slot: 0, at: GuestAddress(0), memory.slot)
      try machine.setTSSAddress()
      try machine.setIdentityMapAddress()
      if wiring.isIRQChipSplit { try machine.createLocalAPICs() } else { try machine.createIRQChip() }
      try wiring.attach(to: machine, memory: memory)
      let dispatcher = wiring.takeDispatcher()
      let statistics = VCPUStatistics()
      let attendant = DoorbellAttendant(
        memory: memory, isPlaced: !specification.memoryNodes.isEmpty, statistics: statistics,
        kernelThread: wiring.network?.kernelThread, wayCounter: wiring.wayCounter,
        watchesSteal: specification.kernel == "steal", delays: delays,
        watchesStorage: specification.disk.isDirect)
      let phase = WindowPhase()
      var vcpus: [VCPURunner] = []
      var tscHertz: UInt64 = 0
      var timeline: Timeline?
      for index in 0..<specification.vcpus {
        let processor = try machine.createVCPU(index: index)
        try processor.setCPUID(table.forVCPU(index))
        // Every vCPU enters directly, told apart by its number: no real-mode start, no INIT and SIPI.
        var start = LongModeEntry(
          entry: entry, stack: GuestAddress(0), pageTableRoot: GuestAddress(MemoryMap.pageTables), xcr0: table.xcr0)
        start.rbx = MemoryMap.startInfo
        start.rdi = UInt64(index)
        try processor.setLongMode(start)
        if index > 0 { try processor.setRunningState(.runnable) }
        tscHertz = UInt64(try processor.tscKHz()) * 1000
        if index == 0, specification.timeline != nil {
          timeline = Timeline(vcpus: specification.vcpus, workers: wiring.workers.count, tscHertz: tscHertz)
        }
        if specification.instruments.contains(.statistics) { statistics.add(processor) }
        vcpus.append(
          VCPURunner(
            vcpu: processor, dispatcher: dispatcher, phase: phase, ended: ended, tscHertz: tscHertz,
            exitEvent: specification.userspaceExitEvent, attendant: index == 0 ? attendant : nil,
            wayCounter: index == 0 ? wiring.wayCounter : nil, instruments: specification.instruments,
            trace: timeline?.vcpus[index]))
      }
      try GuestLoader.writeStartInfo(
        orders: GuestPayload.orders(specification, tscHertz: tscHertz).encoded(), commandLine: wiring.commandLine,
        into: memory)
      self.tscHertz = tscHertz
      self.timeline = timeline
      self.vcpus = vcpus
      self.attendant = attendant
      self.memory = memory
      self.wiring = wiring
      virtualMachine = machine
    } catch { throw MachineError(making: error) }
  }

  /// Runs the guest until it is done, stops or is out of time.
  func run() throws(MachineError) -> RunnerReport {
    PosixThread.installInterruptHandler()
    pv_forget_unwritten_data()
    var timedOutAfter: Double?
    var standstill = StandstillWatch()
    do {
      let threads = try MachineThreads(
        specification, devices: wiring.workers, failure: workerFailure,
        vcpus: vcpus.map { vcpu in { vcpu.run() } }, delays: delays, timeline: timeline)
      if !waitForEnd(&standstill), workerFailure.text == nil {
        timedOutAfter = Double(specification.timeoutNanoseconds) / 1e9
      }
      stop(threads.vcpus)
      threads.join()
    } catch { throw MachineError(making: error) }
    var outcome = outcome(timedOutAfter: timedOutAfter)
    outcome.standstillSeconds = standstill.seconds
    writeTimeline(&outcome)
    return ReportBuilder.report(outcome)
  }

  /// A time line that is not whole, or not there at all, is no reason to lose a measurement: it is a note.
  private func writeTimeline(_ outcome: inout GuestOutcome) {
    guard let timeline, let path = specification.timeline else { return }
    do {
      try TimelineFile.write(timeline, window: outcome.guestWindow, to: path)
    } catch {
      outcome.notes.append("no time line: \(error)")
    }
    guard timeline.dropped > 0 else { return }
    outcome.notes.append("the time line is not whole: \(timeline.dropped) exits and sleeps did not fit")
  }

  /// Makes every vCPU that still runs leave the guest.
  private func stop(_ threads: [PosixThread]) {
    for vcpu in vcpus { vcpu.stopper.requestImmediateExit() }
    for (vcpu, thread) in zip(vcpus, threads) {
      var patience = 50
      while !vcpu.hasEnded.load(ordering: .acquiring), patience > 0 {
        thread.interrupt()
        patience -= 1
        var event = pollfd(fd: ended.descriptor, events: Int16(POLLIN), revents: 0)
        if poll(&event, 1, 100) > 0 { ended.consume() }
      }
    }
  }

  /// True once a vCPU's loop has ended; false after the time that the guest has, or when an I/O thread has failed. A runner whose
  /// parent died ends at once: nobody reads its report any more.
  private func waitForEnd(_ standstill: inout StandstillWatch) -> Bool {
    let deadline = pv_rdtsc() &+ UInt64(Double(specification.timeoutNanoseconds) / 1e9 * Double(tscHertz))
    while true {
      let now = pv_rdtsc()
      guard now < deadline else { return vcpus.contains { $0.hasEnded.load(ordering: .acquiring) } }
      let left = UInt64(Double(deadline - now) / Double(tscHertz) * 1e9) + 1_000_000
      var events = [ended, workerFailure.event].map {
        pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0)
      }
      if standstill.during(left, { poll(&events, 2, Int32($0 / 1_000_000)) }) > 0 { return events[0].revents != 0 }
      guard getppid() == parent else { _exit(1) }
    }
  }

  private func outcome(timedOutAfter: Double?) -> GuestOutcome {
    var outcome = GuestOutcome()
    outcome.stopReason = stopReason
    outcome.timedOutAfterSeconds = timedOutAfter
    outcome.heartbeat = (try? memory.read(UInt64.self, at: GuestAddress(MemoryMap.heartbeat))) ?? 0
    outcome.hostError = workerFailure.text ?? attendant.ringError?.description
    outcome.panic = vcpus.compactMap(\.panicRegisters).first.map { ($0.rbx, $0.rcx, $0.rsi, $0.rdi) }
    outcome.records = attendant.ring.records
    outcome.window = attendant.window
    outcome.exits = vcpus.compactMap(\.windowExits).reduce(into: ExitWindow(tscHertz: tscHertz)) { $0.merge($1) }.counts
    outcome.tscHertz = tscHertz
    outcome.createTSC = createTSC
    outcome.firstByteSeconds = firstByteSeconds
    outcome.firstInstructionTSC = attendant.firstInstructionTSC
    outcome.readyTSC = attendant.readyTSC
    outcome.memoryUsage = attendant.memoryUsage
    outcome.residence = attendant.residence
    outcome.memoryNodes = specification.memoryNodes
    outcome.loopExits = vcpus.reduce(0) { $0 + $1.loopExits }
    let kernelExits = vcpus.compactMap(\.kernelExits)
    outcome.kernelExits = kernelExits.count == vcpus.count ? kernelExits.reduce(0, +) : nil
    outcome.log = wiring.console.lines
    outcome.notes =
      attendant.notes + (vcpus.first?.notes ?? []) + (wiring.network?.notes ?? [])
      + (DiskMedium.note(on: specification.disk).map { [$0] } ?? [])
    outcome.networkCounts = wiring.network?.counts ?? [:]
    outcome.memoryCounts = wiring.memoryCounts
    outcome.way = WayOut(specification)
    return outcome
  }

  private var firstByteSeconds: Double? {
    guard let spawned = specification.spawnedNanoseconds, let first = wiring.console.firstByteNanoseconds,
      first >= spawned
    else { return nil }
    return Double(first - spawned) / 1e9
  }

  /// The first vCPU's, unless another one ended the guest.
  private var stopReason: StopReason {
    let others = vcpus.dropFirst().map(\.stopReason).first { $0 != .interrupted }
    return others ?? vcpus[0].stopReason
  }
}

/// The first error of an I/O thread, and an eventfd that says that there is one.
final class WorkerFailure: Sendable {
  let event: EventFD
  private let first = Mutex<String?>(nil)

  init() throws(EventFD.CreationError) { event = try EventFD() }

  var text: String? { first.withLock { $0 } }

  func note(_ text: String) {
    first.withLock { $0 = $0 ?? text }
    event.signal()
  }
}
