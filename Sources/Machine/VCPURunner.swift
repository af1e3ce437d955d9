import CLinuxKVM
import DeviceModel
import GuestMemory
import KVM
import Measurement
import PVWire

/// What the measured window was, as the host saw it.
struct WindowMeasurement {
  var exits = ExitCounts()
  var cpuSeconds = 0.0
  var kvmStats: [String: UInt64] = [:]
}

/// One vCPU's thread: the exit loop, its recorder, and what it noted at the guest's doorbells. The thread owns all of it
/// until `finished` is signalled.
final class VCPURunner: @unchecked Sendable {
  // SAFETY of Sendable: used by the vCPU's thread alone until `finished`, by the runner's main thread alone afterwards; the
  // constants in between.

  /// Signalled when the loop has ended.
  let finished: EventFD
  /// The way to end it from outside.
  let stopper: VCPUStopper

  private let vcpu: VCPU
  private let dispatcher: ExitDispatcher
  private let memory: GuestMemory
  private let exitEvent: UInt64?
  private var recorder: ExitRecorder
  private var stats: KVMStats?

  private(set) var stopReason = StopReason.interrupted
  private(set) var ring: ResultRing
  private(set) var ringError: ResultRing.RingError?
  private(set) var firstInstructionTSC: UInt64?
  private(set) var readyTSC: UInt64?
  private(set) var window: WindowMeasurement?
  private(set) var memoryUsage: (guest: UInt64, runner: UInt64)?
  private(set) var panicRegisters: kvm_regs?
  private(set) var kernelExits: UInt64?
  private(set) var notes: [String] = []

  private var openCPUSeconds = 0.0
  private var startStats: [UInt64] = []
  private var openStats: [UInt64] = []

  /// A runner for `vcpu`. `exitEvent` is the id of kvm:kvm_userspace_exit where it may be counted.
  init(
    vcpu: consuming VCPU, dispatcher: consuming ExitDispatcher, memory: GuestMemory, ring: ResultRing, tscHertz: UInt64,
    exitEvent: UInt64?
  ) throws(MachineError) {
    do { finished = try EventFD() } catch { throw .wiring("no eventfd, errno \(error.errno)") }
    stopper = vcpu.stopper
    stats = try? vcpu.stats()
    self.vcpu = vcpu
    self.dispatcher = dispatcher
    self.memory = memory
    self.ring = ring
    self.exitEvent = exitEvent
    recorder = ExitRecorder(tscHertz: tscHertz)
  }

  /// Exits since the vCPU was made, interruptions included.
  var loopExits: UInt64 { recorder.lifetimeTotal }

  /// Runs the guest to its end. Called on the vCPU's own thread: the kernel counts that thread's exits.
  func run() {
    let counter = makeExitCounter()
    startStats = snapshot()
    loop()
    if let counter { kernelExits = try? counter.read() }
    finished.signal()
  }

  private func loop() {
    var lastReturn: UInt64 = 0
    while true {
      let exit = vcpu.run()
      let returned = pv_rdtsc()
      let outcome = dispatcher.dispatch(exit)
      let roundTrip = lastReturn == 0 ? 0 : returned &- lastReturn
      let tally = exit.tally
      if case .resume = outcome {
        recorder.record(
          tally.key, elements: tally.elements, bytes: tally.bytes, handlerTicks: pv_rdtsc() &- returned,
          roundTripTicks: roundTrip)
        lastReturn = returned
        continue
      }
      // The closing bell is not part of the window, and neither is the opening one.
      if case .doorbell(.windowClose) = outcome { closeWindow() }
      recorder.record(
        tally.key, elements: tally.elements, bytes: tally.bytes, handlerTicks: pv_rdtsc() &- returned,
        roundTripTicks: roundTrip)
      lastReturn = 0
      switch outcome {
      case .resume: continue
      case .stop(let reason):
        stopReason = reason
        return
      case .doorbell(let bell):
        guard answer(bell, at: returned) else { return }
      }
    }
  }

  /// Does what a doorbell asks for; false where the guest does not run again.
  private func answer(_ bell: Doorbell, at tsc: UInt64) -> Bool {
    switch bell {
    case .firstInstruction: firstInstructionTSC = tsc
    case .ready:
      readyTSC = tsc
      noteStatsThatDoNotCount()
      pv_forget_startup()
    case .windowOpen:
      openStats = snapshot()
      recorder.reset()
      openCPUSeconds = ProcessUsage.cpuSeconds()
    case .windowClose: break
    case .drain: return drain()
    case .done:
      stopReason = .done
      _ = drain()
      return false
    case .panic:
      panicRegisters = try? vcpu.registers()
      stopReason = .panic
      _ = drain()
      return false
    }
    return true
  }

  private func closeWindow() {
    var measured = WindowMeasurement()
    measured.cpuSeconds = ProcessUsage.cpuSeconds() - openCPUSeconds
    memoryUsage = ProcessUsage.memory(guest: memory.slot)
    measured.exits = recorder.counts()
    let closing = snapshot()
    if stats != nil, openStats.count == closing.count {
      measured.kvmStats = stats?.difference(from: openStats, to: closing) ?? [:]
    }
    window = measured
  }

  private func drain() -> Bool {
    do { try ring.drain() } catch {
      ringError = error
      return false
    }
    return true
  }

  private func makeExitCounter() -> UserspaceExitCounter? {
    guard let exitEvent else { return nil }
    do { return try UserspaceExitCounter(event: exitEvent) } catch {
      notes.append("the kernel's own count of exits is missing: \(error)")
      return nil
    }
  }

  private func snapshot() -> [UInt64] { (try? stats?.snapshot()) ?? [] }

  /// Booting made a known number of port exits: a counter of theirs that stayed where it was does not count here.
  private func noteStatsThatDoNotCount() {
    guard let names = stats?.counters.map(\.name) else { return }
    let now = snapshot()
    let seen = recorder.counts().byReason
    for (counter, reason) in [("exits", "io"), ("io_exits", "io"), ("mmio_exits", "mmio")] {
      guard let index = names.firstIndex(of: counter), now.count == startStats.count, seen[reason, default: 0] > 0,
        now[index] == startStats[index]
      else { continue }
      notes.append("KVM's counter \(counter) does not move on this host")
    }
  }
}
