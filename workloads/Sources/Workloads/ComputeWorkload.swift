import Drivers
import GuestKernel
import Kernels
import PVWire

/// A computation as the loop sees it: one operation of it begins at the same state every time and returns an answer.
struct Computation {
  /// A kernel's operation, in memory of its own.
  typealias Operation = @convention(c) (UnsafeMutableRawPointer?) -> UInt64

  /// Bytes that one operation works on, where that says something; else 0.
  var bytesPerOperation: UInt64 = 0
  /// Bytes of memory that a processor needs.
  let workBytes: Int
  /// Makes that memory ready; called once for each processor. Returns what every operation's answer must be.
  let prepare: (UnsafeMutableRawPointer) -> UInt64
  /// One operation.
  let operate: Operation
  /// True where the operation runs in ring 0.
  var isPrivileged = false
  /// True where the memory is taken from the arena, each processor's at a multiple of 2 MiB.
  var isInArena = false
  /// What is looked at after the window, and must give the answer, too.
  var check: Operation?
}

extension Session {
  /// Measures `computation` on all processors. The parameter `answer` takes the place of the answer that is known.
  func measure(_ computation: Computation) throws(WorkloadFailure) {
    try measure(ComputeLoop(self, computation))
  }
}

/// The same computation on every processor of the machine, each in memory of its own, with an answer that is checked after
/// every operation. Operations are those of all processors, latency is that of processor 0. Nothing in it allocates.
private final class ComputeLoop: MeasuredLoop {
  let bytesPerOperation: UInt64
  private(set) var operations: UInt64 = 0
  private(set) var latency = LatencyHistogram()
  private let session: Session
  private let computation: Computation
  private let processors: Int
  private let answer: UInt64
  private let memories: [DMAMemory]
  private let counters: DMAMemory

  /// Offsets: when all processors stop, then a cache line for each of them.
  private enum Place {
    static let deadline: UInt = 0
    static let processors: UInt = 64
    static let stride: UInt = 64
    /// In a processor's line: its operations, and the first answer that was wrong with a word that says that there is one.
    static let operations: UInt = 0
    static let isWrong: UInt = 8
    static let wrongAnswer: UInt = 16
  }

  init(_ session: Session, _ computation: Computation) throws(WorkloadFailure) {
    self.session = session
    self.computation = computation
    bytesPerOperation = computation.bytesPerOperation
    processors = try session.processors()
    if processors > 1 { LocalAPIC.enable(acceptsPIC: false) }
    counters = DMAMemory(count: Int(Place.processors + Place.stride * UInt(Processors.most)))
    memories =
      computation.isInArena
      ? try session.arena(parts: processors, of: computation.workBytes)
      : (0..<processors).map { _ in DMAMemory(count: computation.workBytes) }
    var known: UInt64 = 0
    // SAFETY: each memory has as many bytes as the computation asks for.
    for memory in memories {
      known = computation.prepare(UnsafeMutableRawPointer(bitPattern: memory.address).unsafelyUnwrapped)
    }
    answer = session.hasParameter("answer") ? try session.number("answer") : known
  }

  func forgetMeasurements() {
    operations = 0
    latency = LatencyHistogram()
  }

  func run(nanoseconds: UInt64) throws(WorkloadFailure) {
    let deadline = pv_tsc() &+ session.ticks(nanoseconds: nanoseconds)
    pv_store64(counters.address + Place.deadline, deadline)
    let context = UInt(bitPattern: Unmanaged.passUnretained(self).toOpaque())
    for index in 1..<processors {
      Processors.start(index, context: context) { index, context in
        // SAFETY: the loop lives until every processor has left it.
        Unmanaged<ComputeLoop>.fromOpaque(UnsafeRawPointer(bitPattern: context).unsafelyUnwrapped).takeUnretainedValue()
          .repeatOperations(index)
      }
    }
    var result: UInt64
    repeat {
      let start = pv_tsc()
      result = operate(0)
      latency.record(session.nanoseconds(pv_tsc() &- start))
      operations += 1
      session.beat()
    } while result == answer && pv_tsc() < deadline
    try session.awaitProcessors(
      processors, ticks: session.ticks(nanoseconds: nanoseconds + 5_000_000_000),
      "a vCPU does not come to the end of an operation")
    guard result == answer else { throw wrong(result) }
    for index in 1..<processors {
      guard pv_load64(line(index) + Place.isWrong) == 0 else { throw wrong(pv_load64(line(index) + Place.wrongAnswer)) }
      operations += pv_load64(line(index) + Place.operations)
      pv_store64(line(index) + Place.operations, 0)
    }
  }

  /// Looks once more at what all processors have left behind.
  func settle() throws(WorkloadFailure) {
    guard let check = computation.check else { return }
    for memory in memories {
      let result = check(UnsafeMutableRawPointer(bitPattern: memory.address))
      guard result == answer else { throw wrong(result) }
    }
  }

  /// The part of processor `index`: at least one operation, then others until the deadline.
  private func repeatOperations(_ index: Int) {
    let deadline = pv_load64(counters.address + Place.deadline)
    repeat {
      let result = operate(index)
      guard result == answer else {
        pv_store64(line(index) + Place.wrongAnswer, result)
        pv_store64(line(index) + Place.isWrong, 1)
        return
      }
      pv_store64(line(index) + Place.operations, pv_load64(line(index) + Place.operations) + 1)
    } while pv_tsc() < deadline
  }

  @inline(__always) private func operate(_ index: Int) -> UInt64 {
    let memory = UnsafeMutableRawPointer(bitPattern: memories[index].address)
    return computation.isPrivileged ? pv_call(computation.operate, memory) : computation.operate(memory)
  }

  private func wrong(_ result: UInt64) -> WorkloadFailure {
    .failed(
      Text.bytes("wrong answer: expected ") + Text.hexadecimal(answer) + Text.bytes(", computed ")
        + Text.hexadecimal(result))
  }

  private func line(_ index: Int) -> UInt { counters.address + Place.processors + Place.stride * UInt(index) }
}
