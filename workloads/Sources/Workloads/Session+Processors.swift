import Drivers
import GuestKernel

extension Session {
  /// How many processors the machine has, when all but this one have parked: each is on its way there, or has arrived.
  func processors() throws(WorkloadFailure) -> Int {
    let count = Int(try number("vcpus"))
    guard count >= 1, count <= Processors.most else { throw .failed(Text.bytes("vcpus: expected 1 to 16")) }
    let limit = pv_tsc() &+ ticks(nanoseconds: 1_000_000_000)
    while Processors.parkedCount < count - 1, pv_tsc() < limit { pv_pause() }
    guard Processors.parkedCount == count - 1 else {
      throw .failed(Text.bytes("processors are missing: parked ") + Text.decimal(UInt64(Processors.parkedCount)))
    }
    return count
  }

  /// Chooses how all `count` processors interrupt each other. Each enters x2APIC mode by itself, and none is interrupted before
  /// all have: until then interrupts end themselves as xAPIC's do.
  func useForIPIs(_ method: InterprocessorInterrupts, processors count: Int) {
    if method == .x2APIC {
      for index in 1..<count { Processors.start(index, context: 0) { _, _ in LocalAPIC.enterX2APIC() } }
      for index in 1..<count { while Processors.isBusy(index) { pv_pause() } }
      LocalAPIC.enterX2APIC()
    }
    LocalAPIC.useForIPIs(method)
  }

  /// Returns when the processors from 1 to `count` - 1 have done what they were given; after `ticks` of the TSC fails with `text`.
  func awaitProcessors(_ count: Int, ticks: UInt64, _ text: StaticString) throws(WorkloadFailure) {
    let limit = pv_tsc() &+ ticks
    for index in 1..<count {
      while Processors.isBusy(index) {
        guard pv_tsc() < limit else { throw .failed(Text.bytes(text)) }
        pv_pause()
      }
    }
  }
}
