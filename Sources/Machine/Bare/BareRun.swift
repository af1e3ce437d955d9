import CLinuxKVM
import DeviceModel
import Glibc
import GuestMemory
import KVM
import MachineLauncher
import PVWire

/// Runs a guest's program without a virtual machine: its unmodified ELF lies in this process where it was linked, each of its
/// processors is a thread, and what only a machine can do is answered at signals (`BareTraps`), outside of the measured window.
/// There is one in a process, and it ends with the process.
final class BareRun {
  private let specification: MachineSpecification
  private let memory: GuestMemory
  private let entry: GuestAddress
  private let tscHertz: UInt64
  private let attendant: DoorbellAttendant
  private let ended: EventFD
  private let delays: RunDelayWatch?
  private let parent = getppid()

  /// A stack for the handling of signals, in which the result ring is emptied.
  private static let signalStack = 256 << 10

  init(_ specification: MachineSpecification) throws(MachineError) {
    if let parent = specification.parent {
      guard pv_die_with_parent() == 0, getppid() == parent else { throw .wiring("the process \(parent) has ended") }
    }
    self.specification = specification
    do { ended = try EventFD() } catch { throw .wiring("no eventfd, errno \(error.errno)") }
    guard specification.pages == .small || specification.pages == .transparent else {
      throw .unavailable("a program that runs natively has no hugetlb pages: it does not lie at a multiple of them")
    }
    let image = try GuestPayload.image(specification)
    entry = try ProcessEntry.find(in: image)
    do {
      // The same source as a guest's: what is compared must not differ in how long a second is.
      let machine = try KVMSystem(path: specification.kvmPath).createVM()
      tscHertz = UInt64(try machine.createVCPU(index: 0).tscKHz()) * 1000
      memory = try GuestMemory(
        inPlaceFrom: GuestAddress(MemoryMap.processOrigin), byteCount: Int(specification.memory),
        pages: specification.pages)
      _ = try GuestLoader.load(image, into: memory)
      var orders = GuestPayload.orders(specification, tscHertz: tscHertz)
      orders.heartbeat += MemoryMap.processShift
      try GuestLoader.writeStartInfo(
        orders: orders.encoded(), commandLine: "", shift: MemoryMap.processShift, into: memory)
    } catch { throw MachineError(making: error) }
    delays = RunDelayWatch(specification)
    attendant = DoorbellAttendant(memory: memory, statistics: VCPUStatistics(), delays: delays)
  }

  /// Runs the program until it is done, stops or is out of time.
  func run() throws(MachineError) -> RunnerReport {
    let traps = BareTraps(memory: memory, attendant: attendant, ended: ended)
    try traps.install()
    var standstill = StandstillWatch()
    let start = UInt(MemoryMap.startInfo + MemoryMap.processShift)
    do {
      for index in 0..<specification.vcpus {
        let cpus = specification.vcpuCPUs
        let entry = UInt(entry.value)
        _ = try PosixThread(name: "bare\(index)", cpu: cpus.isEmpty ? nil : cpus[index % cpus.count]) { [delays] in
          delays?.enter()
          guard pv_use_signal_stack(Self.signalStack) == 0 else { return }
          pv_enter_program(entry, Int32(index), start)
        }
      }
    } catch { throw MachineError(making: error) }
    var outcome = outcome(traps, hasEnded: waitForEnd(&standstill))
    outcome.standstillSeconds = standstill.seconds
    return ReportBuilder.report(outcome)
  }

  /// True once the program has ended; false after the time that it is given. A runner whose parent died ends at once.
  private func waitForEnd(_ standstill: inout StandstillWatch) -> Bool {
    let deadline = HostClock.sinceBoot() + specification.timeoutNanoseconds
    while case let now = HostClock.sinceBoot(), now < deadline {
      var event = pollfd(fd: ended.descriptor, events: Int16(POLLIN), revents: 0)
      if standstill.during(deadline - now + 1_000_000, { poll(&event, 1, Int32($0 / 1_000_000)) }) > 0 { return true }
      guard getppid() == parent else { _exit(1) }
    }
    return false
  }

  private func outcome(_ traps: BareTraps, hasEnded: Bool) -> GuestOutcome {
    var outcome = GuestOutcome()
    // Nothing is left, and so nothing is counted.
    (outcome.exits, outcome.loopExits) = (nil, nil)
    outcome.heartbeat =
      (try? memory.read(UInt64.self, at: GuestAddress(MemoryMap.heartbeat + MemoryMap.processShift))) ?? 0
    guard hasEnded else {
      // Its threads go on, and what they know is theirs.
      outcome.timedOutAfterSeconds = Double(specification.timeoutNanoseconds) / 1e9
      return outcome
    }
    if let panic = traps.panic {
      (outcome.stopReason, outcome.panic) = (.panic, panic)  // perhaps of one thread of several
      return outcome
    }
    outcome.stopReason = .done
    outcome.hostError = attendant.ringError?.description
    outcome.records = attendant.ring.records
    outcome.window = attendant.window
    outcome.tscHertz = tscHertz
    outcome.memoryUsage = attendant.memoryUsage
    outcome.notes = attendant.notes
    return outcome
  }
}
