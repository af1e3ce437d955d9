import Drivers
import GuestKernel
import PVWire

/// trap: goes from ring 3 to ring 0 and back again, inside the guest; whether that leaves it is the host's business. The handler
/// only counts, and every trap must have been counted.
///
/// Parameters: way (undefined: UD2; protection: a load from an address that is not canonical; fault: a load from a page that is not
/// there; breakpoint: INT3; touch: a load from a page that the handler then enters, and that is repeated; syscall), answer. Latency
/// runs from before the one instruction that traps to behind it.
enum TrapWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    try session.measure(TrapLoop(session, way(session)))
  }

  private static func way(_ session: Session) throws(WorkloadFailure) -> any Trap {
    if session.isWord("way", "undefined") { return Exception(6, pv_handle_undefined) { pv_raise_undefined() } }
    if session.isWord("way", "protection") { return Exception(13, pv_handle_protection) { pv_raise_protection() } }
    if session.isWord("way", "fault") { return Exception(14, pv_handle_fault) { pv_raise_fault(PageWindow.base) } }
    if session.isWord("way", "breakpoint") { return Exception(3, pv_handle_breakpoint) { pv_breakpoint() } }
    if session.isWord("way", "touch") { return MendedFault() }
    if session.isWord("way", "syscall") { return try SystemCall() }
    throw .failed(Text.bytes("way: the guest knows no such trap"))
  }
}

/// A way into ring 0.
private protocol Trap: AnyObject {
  /// Traps once. The TSC from right before it and right after it.
  func enter() -> (start: UInt64, end: UInt64)
  /// How often the handler has run.
  var count: UInt64 { get }
  /// What lies behind one trap and before the next: false where the last one did not do what it should.
  func prepare() -> Bool
  /// Ring 0 is again as it was.
  func leave()
}

/// An exception whose handler goes on behind the instruction.
private final class Exception: Trap {
  private let vector: UInt8
  private let gate: ReplacedGate
  private let raise: () -> Void

  init(_ vector: UInt8, _ handler: @convention(c) () -> Void, raise: @escaping () -> Void) {
    self.vector = vector
    self.raise = raise
    gate = ReplacedGate(vector: vector, handler: handler)
  }

  var count: UInt64 { pv_exception_count(vector) }

  func enter() -> (start: UInt64, end: UInt64) {
    let start = pv_tsc()
    raise()
    return (start, pv_tsc())
  }

  func prepare() -> Bool { true }
  func leave() { gate.restore() }
}

/// A load from a page that the guest's own table does not have yet: the handler enters it, and the load is repeated.
private final class MendedFault: Trap {
  private let gate = ReplacedGate(vector: 14, handler: pv_mend_fault)
  private let window = PageWindow()
  private let frame = DMAMemory(count: 4096)
  private var turn: UInt64 = 0
  private var seen: UInt64 = 0

  var count: UInt64 { pv_exception_count(14) }

  func enter() -> (start: UInt64, end: UInt64) {
    let (address, entry, value) = (window.address(of: 0), window.entry(of: 0), window.present(frame.address))
    let start = pv_tsc()
    seen = pv_touch(address, entry, value)
    return (start, pv_tsc())
  }

  /// The page holds another number each time.
  func prepare() -> Bool {
    let isRight = seen == turn
    turn += 1
    pv_store64(frame.address, turn)
    window.unmap(0)
    window.forget(0)
    return isRight
  }

  func leave() { gate.restore() }
}

/// SYSCALL and SYSRET (Intel SDM 2B; AMD APM 2, 6.1.1).
private final class SystemCall: Trap {
  private enum Register {
    static let segments: UInt32 = 0xC000_0081  // STAR
    static let entry: UInt32 = 0xC000_0082  // LSTAR
    static let maskedFlags: UInt32 = 0xC000_0084  // SFMASK
  }
  /// Kernel's segments from 0x10 on; SYSRET takes 0x28 (data) and 0x30 (code), RPL 3: 8 and 16 behind this base.
  private static let segments: UInt64 = 0x23 << 48 | 0x10 << 32
  private static let interruptFlag: UInt64 = 1 << 9

  init() throws(WorkloadFailure) {
    pv_wrmsr(Register.segments, Self.segments)
    pv_wrmsr(Register.entry, pv_system_call_entry())
    pv_wrmsr(Register.maskedFlags, Self.interruptFlag)
    // Hosts that run ring 0 in software have SYSCALL for themselves: it may be undefined, or stay in ring 3.
    let gate = ReplacedGate(vector: 6, handler: pv_handle_undefined)
    let codeSegment = pv_system_call()
    gate.restore()
    guard codeSegment != .max else { throw .skipped(Text.bytes("SYSCALL is undefined in this host's guests")) }
    guard codeSegment & 3 == 0 else {
      throw .skipped(
        Text.bytes("SYSCALL does not reach ring 0 on this host: it arrives with CS ") + Text.hexadecimal(codeSegment))
    }
  }

  var count: UInt64 { pv_system_call_count() }

  func enter() -> (start: UInt64, end: UInt64) {
    let start = pv_tsc()
    _ = pv_system_call()
    return (start, pv_tsc())
  }

  func prepare() -> Bool { true }
  func leave() {}
}

private final class TrapLoop: MeasuredLoop {
  let bytesPerOperation: UInt64 = 0
  private(set) var operations: UInt64 = 0
  private(set) var latency = LatencyHistogram()
  private let session: Session
  private let trap: any Trap
  private let base: UInt64
  private let spoilt: UInt64
  private var entered: UInt64 = 0

  init(_ session: Session, _ trap: any Trap) throws(WorkloadFailure) {
    self.session = session
    self.trap = trap
    base = trap.count
    spoilt = session.hasParameter("answer") ? try session.number("answer") : 0
  }

  func forgetMeasurements() {
    operations = 0
    latency = LatencyHistogram()
  }

  func run(nanoseconds: UInt64) throws(WorkloadFailure) {
    let deadline = pv_tsc() &+ session.ticks(nanoseconds: nanoseconds)
    var end: UInt64
    repeat {
      guard trap.prepare() else { throw .failed(Text.bytes("a page was not what the handler made it")) }
      let (start, after) = trap.enter()
      end = after
      latency.record(session.nanoseconds(end &- start))
      entered += 1
      operations += 1
      session.beat()
    } while end < deadline
  }

  func settle() throws(WorkloadFailure) {
    trap.leave()
    let counted = trap.count - base
    guard counted == entered + spoilt else {
      throw .failed(
        Text.bytes("ring 0 was entered ") + Text.decimal(counted) + Text.bytes(" times, not ")
          + Text.decimal(entered + spoilt))
    }
  }
}
