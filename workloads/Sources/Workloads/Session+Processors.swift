import Drivers
import GuestKernel

extension Session {
  /// How many processors the machine has, when all but this one have parked: each is on its way there, or has arrived.
  func processors(atLeast fewest: Int = 1) throws(WorkloadFailure) -> Int {
    let count = Int(try number("vcpus"))
    guard count >= fewest, count <= Processors.most else {
      throw .failed(Text.bytes("vcpus: expected ") + Text.decimal(UInt64(fewest)) + Text.bytes(" to 16"))
    }
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

  /// The processors from 1 to `count` - 1 begin `body`, each with its number. It is never released: they may still be in it when
  /// processor 0 gives up.
  func startOthers(of count: Int, _ body: @escaping (Int) -> Void) {
    let context = UInt(bitPattern: Unmanaged.passRetained(ProcessorTask(body)).toOpaque())
    for index in 1..<count {
      Processors.start(index, context: context) { index, context in
        // SAFETY: the task lives for ever.
        Unmanaged<ProcessorTask>.fromOpaque(UnsafeRawPointer(bitPattern: context).unsafelyUnwrapped)
          .takeUnretainedValue().body(index)
      }
    }
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

/// What processors are given to do.
private final class ProcessorTask {
  let body: (Int) -> Void
  init(_ body: @escaping (Int) -> Void) { self.body = body }
}
