import CLinuxKVM
import KVM
import Synchronization

/// One vCPU's thread in a foreign guest: it runs until the machine is switched off, whoever does that.
final class ForeignVCPU: @unchecked Sendable {
  // SAFETY of Sendable: used by the vCPU's thread alone until `hasEnded`; constants otherwise.

  /// The way to end the loop from outside, together with the switch.
  let stopper: VCPUStopper
  /// True once the loop has ended.
  let hasEnded = Atomic(false)

  private let vcpu: VCPU
  private let dispatcher: ExitDispatcher
  private let power: MachineSwitch

  /// KVM_INTERNAL_ERROR_EMULATION.
  private static let emulation: UInt32 = 1

  init(vcpu: consuming VCPU, dispatcher: ExitDispatcher, power: MachineSwitch) {
    stopper = vcpu.stopper
    self.vcpu = vcpu
    self.dispatcher = dispatcher
    self.power = power
  }

  /// Runs the vCPU to the machine's end, on the thread that calls it.
  func run() {
    power.noteFirstRun()
    while !power.isOff.load(ordering: .acquiring) {
      let exit = vcpu.run()
      if case .internalError(let error) = exit, error.suberror == Self.emulation {
        power.finish(emulationFailure(error))
        break
      }
      switch dispatcher.dispatch(exit) {
      case .resume, .doorbell: continue
      // A vCPU that waits for its start says so when it comes.
      case .stop(.interrupted): continue
      case .stop(let reason): power.finish(.stopped(reason))
      }
    }
    hasEnded.store(true, ordering: .releasing)
  }

  /// What KVM says of an instruction that it could not emulate (api.rst, KVM_EXIT_INTERNAL_ERROR): flags, of which bit 0 says that
  /// the next byte is a length and the instruction's bytes follow.
  private func emulationFailure(_ error: InternalError) -> ForeignEnd {
    let place = (try? vcpu.registers())?.rip ?? 0
    let words = Array(error.data)
    guard words.count >= 3, words[0] & 1 != 0 else { return .emulationFailure(at: place, bytes: []) }
    let bytes = words[1...2].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) } }
    return .emulationFailure(at: place, bytes: Array(bytes.dropFirst().prefix(min(Int(bytes[0]), 15))))
  }
}
