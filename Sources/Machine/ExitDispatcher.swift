import DeviceModel
import KVM
import Measurement
import PVWire
import Synchronization

/// Why a vCPU will not run again.
public enum StopReason: Equatable, Sendable {
  /// The guest said that it is done.
  case done
  /// An exception that the guest kernel did not expect: its vector.
  case panic
  /// KVM_EXIT_SHUTDOWN.
  case tripleFault
  /// HLT without anything that could wake it, or a system event.
  case powerOff
  /// KVM or the processor gave up; the text says how.
  case machineCheck(String)
  /// The runner asked for it.
  case interrupted
}

/// What the loop does after an exit.
public enum ExitOutcome: Equatable, Sendable {
  case resume
  case doorbell(Doorbell)
  case stop(StopReason)
}

/// What several vCPUs take in turn to call devices.
private final class DeviceLock: Sendable {
  let mutex = Mutex(())
}

/// Answers one exit with the devices of the two buses: no KVM, no thread, no clock, so that fabricated exits can test it.
/// An access that nothing decodes reads as all ones, as a PC's bus does, and writes go nowhere.
public final class ExitDispatcher: @unchecked Sendable {
  // SAFETY of Sendable: the buses never change, and where several vCPUs share them, devices are called under the lock.
  private let ports: Bus
  private let mmio: Bus
  private let lock: DeviceLock?
  private let endObserver: (any EndOfInterruptObserver)?

  /// A dispatcher over the machine's buses. Devices take one call at a time: where several vCPUs share it, a lock sees to that.
  /// `endObserver` is told of ends of interrupt where the I/O APIC is not in the kernel.
  public init(
    ports: consuming Bus, mmio: consuming Bus, isShared: Bool = false,
    endObserver: (any EndOfInterruptObserver)? = nil
  ) {
    lock = isShared ? DeviceLock() : nil
    self.ports = ports
    self.mmio = mmio
    self.endObserver = endObserver
  }

  /// Answers `exit`. Neither allocates nor logs, but for the text of a fatal one.
  public func dispatch(_ exit: VCPUExit) -> ExitOutcome {
    switch exit {
    case .io(let access): return port(access)
    case .mmio(let access):
      memory(access)
      return .resume
    case .interrupted: return .stop(.interrupted)
    case .hlt, .systemEvent: return .stop(.powerOff)
    case .shutdown: return .stop(.tripleFault)
    case .rdmsr(let access), .wrmsr(let access):
      // A filter is set for a register that nobody decodes; any other that comes here is none that a guest may have.
      if access.isFiltered { access.answer(.max) } else { access.refuse() }
      return .resume
    case .ioapicEOI(let vector):
      endObserver?.endOfInterrupt(vector: vector)
      return .resume
    case .irqWindowOpen: return .resume
    case .internalError(let error): return .stop(.machineCheck("\(error)"))
    case .failEntry(let reason): return .stop(.machineCheck("VM entry failed, reason 0x\(String(reason, radix: 16))"))
    case .hypercall(let number): return .stop(.machineCheck("unexpected hypercall \(number)"))
    case .debug: return .stop(.machineCheck("unexpected debug exit"))
    case .exception(let vector): return .stop(.machineCheck("KVM passed on exception \(vector)"))
    case .unknown(let reason): return .stop(.machineCheck("unknown KVM exit reason \(reason)"))
    case .runFailed(let code): return .stop(.machineCheck("KVM_RUN failed, errno \(code)"))
    }
  }

  private func port(_ access: PortAccess) -> ExitOutcome {
    if access.port == Doorbell.port, !access.isInput, access.width == 1 {
      // An unknown bell is a write that nothing decodes.
      return Doorbell(rawValue: UInt8(truncatingIfNeeded: access.value)).map { .doorbell($0) } ?? .resume
    }
    guard let (device, offset) = ports.device(at: UInt64(access.port)), let width = AccessWidth(rawValue: access.width)
    else {
      if access.isInput { fillOnes(access.data) }
      return .resume
    }
    exclusively {
      switch (access.isInput, access.count == 1) {
      case (true, true): access.value = device.read(at: offset, width: width)
      case (false, true): device.write(access.value, at: offset, width: width)
      case (true, false):
        var span = access.data.mutableBytes
        device.read(at: offset, width: width, into: &span)
      case (false, false): device.write(access.data.bytes, at: offset, width: width)
      }
    }
    return .resume
  }

  private func memory(_ access: MMIOAccess) {
    guard let (device, offset) = mmio.device(at: access.address.value), let width = AccessWidth(rawValue: access.width)
    else {
      if !access.isWrite { fillOnes(access.data) }
      return
    }
    exclusively {
      if access.isWrite {
        device.write(access.value, at: offset, width: width)
      } else {
        access.value = device.read(at: offset, width: width)
      }
    }
  }

  private func exclusively(_ body: () -> Void) {
    if let lock { lock.mutex.withLock { _ in body() } } else { body() }
  }

  private func fillOnes(_ data: UnsafeMutableRawBufferPointer) {
    for index in data.indices { data[index] = 0xFF }
  }
}

extension VCPUExit {
  /// What the recorder counts this exit by, and how many elements and bytes it moved.
  var tally: (key: ExitKey, elements: UInt64, bytes: UInt64) {
    switch self {
    case .io(let access):
      (
        ExitKey(reason: .io, isInput: access.isInput, address: UInt64(access.port)), UInt64(access.count),
        UInt64(access.count * access.width)
      )
    case .mmio(let access):
      (ExitKey(reason: .mmio, isInput: !access.isWrite, address: access.address.value), 1, UInt64(access.width))
    case .hlt: (ExitKey(reason: .hlt), 1, 0)
    case .shutdown: (ExitKey(reason: .shutdown), 1, 0)
    case .interrupted: (ExitKey(reason: .intr), 1, 0)
    case .internalError: (ExitKey(reason: .internalError), 1, 0)
    case .failEntry: (ExitKey(reason: .failEntry), 1, 0)
    case .systemEvent(let type): (ExitKey(reason: .systemEvent, address: UInt64(type)), 1, 0)
    case .rdmsr(let access): (ExitKey(reason: .rdmsr, isInput: true, address: UInt64(access.index)), 1, 8)
    case .wrmsr(let access): (ExitKey(reason: .wrmsr, address: UInt64(access.index)), 1, 8)
    case .hypercall(let number): (ExitKey(reason: .hypercall, address: number), 1, 0)
    case .debug: (ExitKey(reason: .debug), 1, 0)
    case .exception(let vector): (ExitKey(reason: .exception, address: UInt64(vector)), 1, 0)
    case .ioapicEOI(let vector): (ExitKey(reason: .ioapicEOI, address: UInt64(vector)), 1, 0)
    case .irqWindowOpen: (ExitKey(reason: .irqWindowOpen), 1, 0)
    case .unknown(let reason): (ExitKey(reason: .unknown, address: UInt64(reason)), 1, 0)
    case .runFailed(let code): (ExitKey(reason: .unknown, address: UInt64(UInt32(bitPattern: code))), 1, 0)
    }
  }
}
