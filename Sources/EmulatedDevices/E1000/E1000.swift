import Backends
import DeviceModel
import Glibc
import GuestMemory
import Synchronization

/// Why a card cannot be made.
public struct E1000Error: Error, Equatable {
  /// The host gives no more eventfds.
  public let cause: EventFD.CreationError
}

/// An Intel 82540EM, the "e1000": an Ethernet card on PCI with rings of descriptors in guest memory ("PCI/PCI-X Family of
/// Gigabit Ethernet Controllers Software Developer's Manual", Intel 317453).
///
/// The link is always up at 1000 Mb/s full duplex. The wire takes no time, so that the delays that gather interrupts (RDTR,
/// RADV, TIDV, TADV) have always just expired; ITR holds interrupts back in real time. A frame for which there is no receive
/// descriptor waits in the port. Absent: flow control, wake-up, management, flash, loopback, packet splitting.
///
/// What the driver has queued is sent in the thread that writes TDT, up to a limit; the worker goes on from there and takes
/// everything that comes in. One lock keeps all of it together, also while the port and the interrupt pin are driven: the
/// port sees one caller at a time, frames keep their order, and the pin follows the causes.
public final class E1000: PCIFunction {
  /// Where the card's windows are, for the machine's tables: 128 KiB of memory and 64 ports.
  public struct Placement: Sendable {
    /// Physical address of the registers, a multiple of 128 KiB.
    public var memory: UInt32
    /// First of the I/O ports, a multiple of 64.
    public var ports: UInt32
    /// What firmware would have noted as the interrupt line.
    public var interruptLine: UInt8

    /// A placement; see the properties.
    public init(memory: UInt32, ports: UInt32, interruptLine: UInt8) {
      self.memory = memory
      self.ports = ports
      self.interruptLine = interruptLine
    }
  }

  /// The configuration space: 8086:100E, INTA.
  public let configuration: PCIConfiguration
  /// The registers as memory (base address 0) and through IOADDR and IODATA (base address 2).
  public let windows: [(baseAddress: PCIBaseAddress, device: any Device)]
  /// Has to run on a thread of its own.
  public let worker: E1000Worker

  let shared: E1000Shared

  /// A card in its reset state with a six-byte address. `clock` counts nanoseconds from any origin.
  public init(
    macAddress: [UInt8], memory: GuestMemory, port: any NetworkPort, interrupt: any InterruptLine, placement: Placement,
    clock: @escaping @Sendable () -> UInt64 = E1000.monotonicClock
  ) throws(E1000Error) {
    let wake: EventFD
    let stop: EventFD
    do throws(EventFD.CreationError) {
      wake = try EventFD()
      stop = try EventFD()
    } catch {
      throw E1000Error(cause: error)
    }
    let addresses: [PCIBaseAddress] = [
      .memory(index: 0, byteCount: 0x20000, address: placement.memory),
      .port(index: 2, byteCount: 64, address: placement.ports),
    ]
    let identity = PCIIdentity(
      vendor: 0x8086, device: 0x100E, classCode: 0x020000, revision: 2, subsystemVendor: 0x8086, subsystem: 0x100E,
      interruptPin: 1)
    configuration = PCIConfiguration(identity, baseAddresses: addresses, interruptLine: placement.interruptLine)
    shared = E1000Shared(
      macAddress: macAddress, memory: memory, port: port, line: interrupt, clock: clock, wake: wake)
    let registers = E1000MemoryWindow(shared)
    windows = [(addresses[0], registers), (addresses[1], E1000PortWindow(registers))]
    worker = E1000Worker(shared: shared, port: port, wake: wake, stop: stop, clock: clock)
  }

  /// The host's monotonic clock in nanoseconds.
  public static let monotonicClock: @Sendable () -> UInt64 = {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
  }

  /// What was counted so far; from any thread.
  public var counters: E1000Counters { shared.withCore { $0.counters } }

  /// Takes note of bus mastering and of the interrupt pin's gate.
  public func configurationWritten(at offset: Int, width: AccessWidth) {
    guard offset < 6 else { return }
    let isBusMaster = configuration.isBusMaster
    let isPinDisabled = configuration.isInterruptDisabled
    shared.withCore { $0.configure(isBusMaster: isBusMaster, isPinDisabled: isPinDisabled) }
  }

  /// Puts the interrupt status where the guest will read it.
  public func configurationWillBeRead(at offset: Int, width: AccessWidth) {
    configuration.setInterruptPending(shared.withCore { $0.interrupts.isPending })
  }
}

/// The card's state behind its lock.
final class E1000Shared: Sendable {
  private let core: Mutex<E1000Core>
  private let wake: EventFD

  init(
    macAddress: [UInt8], memory: GuestMemory, port: any NetworkPort, line: any InterruptLine,
    clock: @escaping @Sendable () -> UInt64, wake: EventFD
  ) {
    core = Mutex(
      E1000Core(
        macAddress: macAddress, memory: memory, port: port, interrupts: E1000Interrupts(line: line, clock: clock)))
    self.wake = wake
  }

  /// Does something to the card, and wakes the worker where that is its to go on with.
  func withCore<Result: Sendable>(_ body: (E1000Core) -> Result) -> Result {
    let (result, isCalled) = core.withLock { (body($0), $0.takeCall()) }
    if isCalled { wake.signal() }
    return result
  }
}

/// The registers as memory. They are 32 bits wide (317453, 13.2): a wider access is two, a narrower read is a part of the
/// register, and a narrower write goes nowhere.
final class E1000MemoryWindow: Device, Sendable {
  let shared: E1000Shared

  init(_ shared: E1000Shared) { self.shared = shared }

  func read(at offset: Int, width: AccessWidth) -> UInt64 {
    let word = offset & ~3
    return shared.withCore { core in
      switch width {
      case .quad: UInt64(core.read(at: word)) | UInt64(core.read(at: word + 4)) << 32
      case .long: UInt64(core.read(at: word))
      case .byte, .word:
        UInt64(core.read(at: word)) >> UInt64(8 * (offset & 3)) & (.max >> UInt64(64 - 8 * width.rawValue))
      }
    }
  }

  func write(_ value: UInt64, at offset: Int, width: AccessWidth) {
    guard offset & 3 == 0 else { return }
    shared.withCore { core in
      switch width {
      case .quad:
        core.write(UInt32(truncatingIfNeeded: value), at: offset)
        core.write(UInt32(truncatingIfNeeded: value >> 32), at: offset + 4)
      case .long: core.write(UInt32(truncatingIfNeeded: value), at: offset)
      case .byte, .word: break
      }
    }
  }
}

/// The registers through IOADDR and IODATA (317453, 13.2.2.1).
final class E1000PortWindow: Device, Sendable {
  private enum Register {
    static let address = 0
    static let data = 4
  }
  private let registers: E1000MemoryWindow
  private let address = Atomic<UInt32>(0)

  init(_ registers: E1000MemoryWindow) { self.registers = registers }

  func read(at offset: Int, width: AccessWidth) -> UInt64 {
    guard width == .long else { return .max >> UInt64(64 - 8 * width.rawValue) }
    switch offset {
    case Register.address: return UInt64(address.load(ordering: .relaxed))
    case Register.data: return registers.read(at: Int(address.load(ordering: .relaxed)), width: .long)
    default: return 0xFFFF_FFFF
    }
  }

  func write(_ value: UInt64, at offset: Int, width: AccessWidth) {
    guard width == .long else { return }
    switch offset {
    case Register.address: address.store(UInt32(truncatingIfNeeded: value) & 0x1_FFFF, ordering: .relaxed)
    case Register.data: registers.write(value, at: Int(address.load(ordering: .relaxed)), width: .long)
    default: break
    }
  }
}
