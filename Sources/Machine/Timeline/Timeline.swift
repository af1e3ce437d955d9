import CLinuxKVM
import Measurement
import PVWire

/// What happened when in one repetition: the exits of every vCPU, the sleeps of every I/O thread, and the guest's phases.
///
/// Everything is on one clock, the host's TSC, counted from the machine's making. One calibration ties it to CLOCK_MONOTONIC_RAW: both
/// were read together then. The guest's own stamps are of its own TSC, which may be apart from the host's: its window was opened after
/// the host had answered one doorbell and was closed before it was told by another, so that the difference lies in an interval
/// (Cristian, "Probabilistic Clock Synchronization", 1989). Where 0 is in it, the two are taken for one; otherwise its middle is
/// the difference, and half of it the uncertainty.
final class Timeline {
  /// Ticks when time began.
  let origin: UInt64
  /// The same moment of CLOCK_MONOTONIC_RAW, in nanoseconds.
  let originRaw: UInt64
  let tscHertz: UInt64
  let vcpus: [ExitTrace]
  let workers: [SleepTrace]

  /// A time line of so many threads, which begins now.
  init(vcpus: Int, workers: Int, tscHertz: UInt64, capacity: Int = ExitTrace.capacity) {
    origin = pv_rdtsc()
    originRaw = HostClock.raw()
    self.tscHertz = tscHertz
    self.vcpus = (0..<vcpus).map { _ in ExitTrace(capacity: capacity) }
    self.workers = (0..<workers).map { _ in SleepTrace() }
  }

  /// A made-up one.
  init(origin: UInt64, originRaw: UInt64, tscHertz: UInt64, vcpus: [ExitTrace], workers: [SleepTrace]) {
    self.origin = origin
    self.originRaw = originRaw
    self.tscHertz = tscHertz
    self.vcpus = vcpus
    self.workers = workers
  }

  /// What did not fit.
  var dropped: UInt64 { vcpus.reduce(0) { $0 + $1.dropped } + workers.reduce(0) { $0 + $1.dropped } }

  /// A part of the guest's life, between two of its doorbells.
  struct Phase: Equatable {
    let name: String
    let from: UInt64
    let to: UInt64
  }

  /// The guest's phases as its first vCPU rang them in.
  var phases: [Phase] {
    func bell(_ bell: Doorbell) -> ExitTrace.Bell? { vcpus.first?.bells.first { $0.bell == bell } }
    let names: [(String, Doorbell, Doorbell)] = [
      ("boot", .firstInstruction, .ready), ("warm-up", .ready, .windowOpen), ("window", .windowOpen, .windowClose),
      ("report", .windowClose, .done),
    ]
    return names.compactMap { name, first, last in
      guard let from = bell(first)?.left, let to = bell(last)?.entered, from <= to else { return nil }
      return Phase(name: name, from: from, to: to)
    }
  }

  /// Where the guest's own window is on the host's clock.
  struct GuestWindow: Equatable {
    let from: UInt64
    let to: UInt64
    /// Ticks that were added to the guest's, and how many they may be wrong by.
    let offset: Int64
    let uncertainty: UInt64
  }

  /// The window that the guest has stamped itself, on this clock; nil where no difference of the clocks explains the stamps.
  func guestWindow(start: UInt64, end: UInt64) -> GuestWindow? {
    guard let phase = phases.first(where: { $0.name == "window" }), start <= end else { return nil }
    let least = Int64(bitPattern: phase.from &- start)
    let most = Int64(bitPattern: phase.to &- end)
    guard least <= most else { return nil }
    let isOneClock = least <= 0 && most >= 0
    let width = UInt64(most &- least)
    let offset = isOneClock ? 0 : least + Int64(width / 2)
    return GuestWindow(
      from: start &+ UInt64(bitPattern: offset), to: end &+ UInt64(bitPattern: offset), offset: offset,
      uncertainty: isOneClock ? 0 : width / 2)
  }
}
