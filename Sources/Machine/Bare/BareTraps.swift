import CLinuxKVM
import DeviceModel
import Glibc
import GuestMemory
import PVWire
import Synchronization

/// What a guest's program cannot do as a process comes here as a signal, on the thread of its processor: port I/O, of which only
/// the doorbell is answered, and the services that it asks its kernel for by int3 (workloads, kernel.S).
final class BareTraps: @unchecked Sendable {
  // SAFETY of Sendable: the attendant is used by processor 0's thread alone until `ended` is signalled, by the runner's main
  // thread alone afterwards; `panic` is written under `isOver`, once.

  /// The registers of whoever did what nobody can answer.
  private(set) var panic: (vector: UInt64, error: UInt64, rip: UInt64, cr2: UInt64)?

  private let memory: GuestMemory
  private let attendant: DoorbellAttendant
  private let ended: EventFD
  private let isOver = Atomic(false)

  /// A signal handler is given no context, and there is one program in a process.
  private nonisolated(unsafe) static var current: BareTraps?

  private static let signals = [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP]
  /// How long a processor sleeps that waits for an interrupt: nobody sends one, and it looks again.
  private static let nap: UInt32 = 50

  init(memory: GuestMemory, attendant: DoorbellAttendant, ended: EventFD) {
    self.memory = memory
    self.attendant = attendant
    self.ended = ended
  }

  /// Takes the process's signals, and gives the program a page where its local APIC would be: there, writes do nothing.
  func install() throws(MachineError) {
    let page = UnsafeMutableRawPointer(bitPattern: UInt(MemoryMap.localAPIC))
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | pv_map_fixed_noreplace
    guard mmap(page, GuestMemory.pageByteCount, PROT_READ | PROT_WRITE, flags, -1, 0) != MAP_FAILED else {
      throw .wiring("cannot map the page of the local APIC: \(String(cString: strerror(errno)))")
    }
    Self.current = self
    for signal in Self.signals {
      let code = pv_handle_signal(signal) { number, _, context in BareTraps.handle(number, context) }
      guard code == 0 else { throw .wiring("cannot handle signal \(signal): \(String(cString: strerror(-code)))") }
    }
    attendant.begin()
  }

  /// On the alternate stack of the thread that did it. The program never runs inside of the C library: everything may be called.
  private static func handle(_ number: Int32, _ context: UnsafeMutableRawPointer?) {
    guard let traps = current, let context, traps.isProgram(pv_get_register(context, pv_register_rip)) else {
      // The runner's own fault: it happens again, and ends the process.
      signal(number, SIG_DFL)
      return
    }
    let isAnswered = number == SIGTRAP ? traps.serve(context) : number == SIGSEGV && traps.transfer(context)
    if !isAnswered { traps.stop(context) }
  }

  private func isProgram(_ address: UInt64) -> Bool {
    (try? memory.hostRange(at: GuestAddress(address), count: 1)) != nil
  }

  /// The services of int3 that make sense without a kernel; false for the others.
  private func serve(_ context: UnsafeMutableRawPointer) -> Bool {
    let (first, second) = (pv_get_register(context, pv_register_rdi), pv_get_register(context, pv_register_rsi))
    switch pv_get_register(context, pv_register_rax) {
    case 0:
      guard let counter = try? memory.read(UInt64.self, at: GuestAddress(first)) else { return false }
      if counter == second { usleep(Self.nap) }
    case 1:
      var words: [UInt32] = [0, 0, 0, 0]
      pv_native_cpuid(UInt32(truncatingIfNeeded: first), UInt32(truncatingIfNeeded: second), &words)
      for (index, word) in words.enumerated() {
        let address = GuestAddress(pv_get_register(context, pv_register_rdx)) + UInt64(4 * index)
        guard (try? memory.write(word, at: address)) != nil else { return false }
      }
    default: return false
    }
    return true
  }

  /// IN and OUT of bytes and words of 32 bits (Intel SDM 2); false for any other instruction.
  private func transfer(_ context: UnsafeMutableRawPointer) -> Bool {
    let rip = pv_get_register(context, pv_register_rip)
    guard let opcode = try? memory.read(UInt8.self, at: GuestAddress(rip)),
      opcode & 0xF7 >= 0xE4, opcode & 0xF7 <= 0xE7
    else { return false }
    let hasImmediate = opcode < 0xEC
    let port =
      hasImmediate
      ? (try? memory.read(UInt8.self, at: GuestAddress(rip) + 1)).map(UInt16.init) ?? 0
      : UInt16(truncatingIfNeeded: pv_get_register(context, pv_register_rdx))
    let value = pv_get_register(context, pv_register_rax)
    pv_set_register(context, pv_register_rip, rip + (hasImmediate ? 2 : 1))
    if opcode & 2 == 0 {
      // A bus on which nothing answers.
      pv_set_register(context, pv_register_rax, opcode & 1 == 0 ? value | 0xFF : 0xFFFF_FFFF)
    } else if port == Doorbell.port, let bell = Doorbell(rawValue: UInt8(truncatingIfNeeded: value)) {
      answer(bell)
    }
    return true
  }

  private func answer(_ bell: Doorbell) {
    switch bell {
    case .firstInstruction, .panic: break
    case .ready: attendant.ready(at: pv_rdtsc(), exits: [:])
    case .windowOpen: attendant.openWindow()
    case .windowClose: attendant.closeWindow()
    case .drain: if !attendant.drain() { end() }
    case .done:
      attendant.end()
      end()
    }
  }

  private func stop(_ context: UnsafeMutableRawPointer) {
    guard !isOver.exchange(true, ordering: .acquiringAndReleasing) else { Self.rest() }
    panic = (
      pv_get_register(context, pv_register_trap), pv_get_register(context, pv_register_error),
      pv_get_register(context, pv_register_rip), pv_get_register(context, pv_register_cr2)
    )
    ended.signal()
    Self.rest()
  }

  private func end() {
    if !isOver.exchange(true, ordering: .acquiringAndReleasing) { ended.signal() }
    Self.rest()
  }

  /// The thread has nothing more to do: it ends with the process.
  private static func rest() -> Never { while true { pause() } }
}
