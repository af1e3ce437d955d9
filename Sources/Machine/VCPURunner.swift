import CLinuxKVM
import DeviceModel
import KVM
import MachineLauncher
import Measurement
import PVWire
import Synchronization

/// Where the guest is in its life, as every vCPU's loop follows it.
final class WindowPhase: Sendable {
  /// Before, in and after the measured window.
  enum Phase: UInt8 {
    case warming = 0
    case open = 1
    case closed = 2
  }

  private let value = Atomic(Phase.warming.rawValue)

  var current: Phase {
    get { Phase(rawValue: value.load(ordering: .acquiring)) ?? .closed }
    set { value.store(newValue.rawValue, ordering: .releasing) }
  }
}

/// One vCPU's thread: the exit loop and its recorder. The thread owns all of it until its loop has ended.
final class VCPURunner: @unchecked Sendable {
  // SAFETY of Sendable: used by the vCPU's thread alone until `hasEnded`, by the runner's main thread alone afterwards; the
  // constants in between.

  /// The way to end the loop from outside.
  let stopper: VCPUStopper
  /// True once the loop has ended.
  let hasEnded = Atomic(false)

  private let vcpu: VCPU
  private let dispatcher: ExitDispatcher
  private let phase: WindowPhase
  private let ended: EventFD
  private let exitEvent: UInt64?
  private let instruments: Set<Instrument>
  private let trace: ExitTrace?
  /// Records KVM's tracepoints on this thread; nil where nobody asked for it.
  private let tracer: ExitTracer?
  /// Answers the guest's doorbells; nil but on the first vCPU, where the others' bells are writes that nothing decodes.
  private let attendant: DoorbellAttendant?
  /// Told of what KVM has gathered; nil where it gathers nothing, and on all vCPUs but the first.
  private let wayCounter: WayCounter?
  private var recorder: ExitRecorder
  private var followed = WindowPhase.Phase.warming

  private(set) var stopReason = StopReason.interrupted
  /// Exits inside the window; nil where it was never closed.
  private(set) var windowExits: ExitWindow?
  private(set) var panicRegisters: kvm_regs?
  private(set) var kernelExits: UInt64?
  /// Exits of the whole life, by reason and place.
  private(set) var lifetimeExits = LifetimeExits()
  private(set) var notes: [String] = []

  /// A runner for `vcpu`, which signals `ended` when its loop has. `exitEvent` is the id of kvm:kvm_userspace_exit where it
  /// may be counted; of what `instruments` leave out nothing is noted. With a `trace`, every exit goes there.
  init(
    vcpu: consuming VCPU, dispatcher: ExitDispatcher, phase: WindowPhase, ended: EventFD, tscHertz: UInt64,
    exitEvent: UInt64?, tracer: ExitTracer? = nil, attendant: DoorbellAttendant?, wayCounter: WayCounter? = nil,
    instruments: Set<Instrument> = Set(Instrument.allCases), trace: ExitTrace? = nil
  ) {
    stopper = vcpu.stopper
    self.vcpu = vcpu
    self.dispatcher = dispatcher
    self.phase = phase
    self.ended = ended
    self.exitEvent = instruments.contains(.counter) ? exitEvent : nil
    self.instruments = instruments
    self.trace = trace
    self.tracer = tracer
    self.attendant = attendant
    self.wayCounter = wayCounter
    recorder = ExitRecorder(tscHertz: tscHertz)
  }

  /// Exits since the vCPU was made, interruptions included.
  var loopExits: UInt64 { recorder.lifetimeTotal }

  /// Runs the vCPU to its end. Called on the vCPU's own thread: the kernel counts that thread's exits.
  func run() {
    let counter = makeExitCounter()
    tracer?.attach()
    attendant?.begin()
    switch (instruments.contains(.stamps), instruments.contains(.histograms)) {
    case (true, true) where trace != nil: loop(TimelineLook.self)
    case (true, true): loop(WholeLook.self)
    case (true, false): loop(SumsLook.self)
    case (false, _): loop(CountsLook.self)
    }
    follow()
    if let counter { kernelExits = try? counter.read() }
    lifetimeExits = recorder.lifetime()
    hasEnded.store(true, ordering: .releasing)
    ended.signal()
  }

  private func loop<Look: ExitLook>(_: Look.Type) {
    var lastReturn: UInt64 = 0
    while true {
      let exit = vcpu.run()
      let returned = Look.hasStamps ? pv_rdtsc() : 0
      if let gathered = wayCounter?.gathered { wayCounter?.add(vcpu.take(gathered)) }
      let outcome = dispatcher.dispatch(exit)
      let roundTrip = lastReturn == 0 ? 0 : returned &- lastReturn
      let tally = exit.tally
      // The closing bell is not part of the window, and neither is the opening one.
      if case .doorbell(.windowClose) = outcome, let attendant {
        attendant.closeWindow()
        phase.current = .closed
      }
      follow()
      let handled = Look.hasStamps ? pv_rdtsc() &- returned : 0
      if Look.hasHistograms {
        recorder.record(
          tally.key, elements: tally.elements, bytes: tally.bytes, handlerTicks: handled, roundTripTicks: roundTrip)
      } else {
        recorder.count(tally.key, elements: tally.elements, bytes: tally.bytes, handlerTicks: handled)
      }
      if Look.hasTimeline { trace?.add(tally.key, entered: returned, left: returned &+ handled) }
      lastReturn = returned
      switch outcome {
      case .resume: continue
      // Nobody asked for it: a process that was stopped (SIGSTOP) and goes on may leave KVM_RUN so.
      case .stop(.interrupted) where !stopper.isRequested: continue
      case .stop(let reason):
        stopReason = reason
        return
      case .doorbell(let bell):
        lastReturn = 0
        let goesOn = answer(bell, at: Look.hasStamps ? returned : pv_rdtsc())
        if Look.hasTimeline { trace?.answered(bell, entered: returned, left: pv_rdtsc()) }
        guard goesOn else { return }
      }
    }
  }

  /// Does what the phase that the first vCPU has come to asks of this one's recorder.
  private func follow() {
    let current = phase.current
    guard current != followed else { return }
    if followed == .warming { recorder.reset() }
    if current == .closed { windowExits = recorder.window() }
    followed = current
  }

  /// Does what a doorbell asks for; false where the vCPU does not run again.
  private func answer(_ bell: Doorbell, at tsc: UInt64) -> Bool {
    if bell == .panic {
      panicRegisters = try? vcpu.registers()
      stopReason = .panic
      attendant?.end()
      return false
    }
    guard let attendant else { return true }
    switch bell {
    case .firstInstruction: attendant.firstInstructionTSC = tsc
    case .ready: attendant.ready(at: tsc, exits: recorder.counts().byReason)
    case .windowOpen:
      phase.current = .open
      follow()
      attendant.openWindow()
    case .windowClose, .panic: break
    case .drain: return attendant.drain()
    case .done:
      stopReason = .done
      attendant.end()
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
}
