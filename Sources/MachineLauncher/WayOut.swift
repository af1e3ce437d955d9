import Measurement
import PVWire

/// A way out of the guest that the kernel `exits` takes, by its parameter `way`, as the host knows it: where it leads, and so what
/// must have come out of the guest as often as it was taken.
public enum WayOut: String, CaseIterable, Sendable {
  case empty
  case portOut = "pio-out"
  case portIn = "pio-in"
  case timerOut = "pit-out"
  case timerIn = "pit-in"
  case controllerIn = "pic-in"
  case stringOut = "string-out"
  case stringIn = "string-in"
  case sectorIn = "sector-in"
  case mmioWrite = "mmio-write"
  case mmioRead = "mmio-read"
  case eventPort = "event-pio"
  case eventMMIO = "event-mmio"
  case coalescedPort = "coalesced-pio"
  case coalescedMMIO = "coalesced-mmio"
  case localAPICRead = "lapic-read"
  case localAPICWrite = "lapic-write"
  case x2APICRead = "x2apic-read"
  case x2APICWrite = "x2apic-write"
  case cpuid
  case rdmsr
  case wrmsr
  case filteredRDMSR = "rdmsr-user"
  case filteredWRMSR = "wrmsr-user"
  case unknownCall = "call-unknown"
  case ipiCall = "call-ipi"
  case kickCall = "call-kick"
  case yieldCall = "call-yield"

  /// Where a way leads.
  public enum Destination: Equatable, Sendable {
    /// Nowhere: the guest stays.
    case guest
    /// To the runner, with so many elements each time.
    case runner(ExitKey, elements: UInt64)
    /// Into KVM, which signals an eventfd.
    case event(ExitKey)
    /// Into KVM, which puts it into its ring, and to the runner where that is full.
    case ring(ExitKey)
    /// Into KVM and no further.
    case kernel
    /// Into KVM, or nowhere, where the processor itself has the answer: its local APIC by APICv or AVIC, CPUID without an intercept.
    case kernelOrProcessor
  }

  /// Elements of a string instruction; the guest's PV_WAY_ELEMENTS.
  public static let elements: UInt64 = 8
  /// Those that a disk's sector has; the guest's PV_WAY_SECTOR_ELEMENTS.
  public static let sectorElements: UInt64 = 256

  /// The way of a machine's guest; nil where it takes none.
  public init?(_ specification: MachineSpecification) {
    guard specification.kernel == "exits",
      let name = specification.parameters.first(where: { $0.name == "way" })?.value
    else { return nil }
    self.init(rawValue: name)
  }

  /// Where it leads.
  public var destination: Destination {
    switch self {
    case .empty: .guest
    case .portOut: .runner(Self.port(MemoryMap.nobodysPort), elements: 1)
    case .portIn: .runner(Self.port(MemoryMap.nobodysPort, isInput: true), elements: 1)
    case .stringOut: .runner(Self.port(MemoryMap.nobodysPort), elements: Self.elements)
    case .stringIn: .runner(Self.port(MemoryMap.nobodysPort, isInput: true), elements: Self.elements)
    case .sectorIn:
      .runner(Self.port(MemoryMap.nobodysPort, isInput: true), elements: Self.sectorElements)
    case .mmioWrite: .runner(Self.mmio(MemoryMap.nobodysAddress), elements: 1)
    case .mmioRead: .runner(Self.mmio(MemoryMap.nobodysAddress, isInput: true), elements: 1)
    case .filteredRDMSR:
      .runner(ExitKey(reason: .rdmsr, isInput: true, address: UInt64(MemoryMap.harmlessMSR)), elements: 1)
    case .filteredWRMSR: .runner(ExitKey(reason: .wrmsr, address: UInt64(MemoryMap.harmlessMSR)), elements: 1)
    case .eventPort: .event(Self.port(MemoryMap.eventPort))
    case .eventMMIO: .event(Self.mmio(MemoryMap.eventAddress))
    case .coalescedPort: .ring(Self.port(MemoryMap.coalescedPort))
    case .coalescedMMIO: .ring(Self.mmio(MemoryMap.coalescedAddress))
    case .timerOut, .timerIn, .controllerIn, .rdmsr, .wrmsr: .kernel
    case .unknownCall, .ipiCall, .kickCall, .yieldCall: .kernel
    case .localAPICRead, .localAPICWrite, .x2APICRead, .x2APICWrite, .cpuid: .kernelOrProcessor
    }
  }

  /// True where the guest calls KVM: on some hosts such a guest never comes back.
  public var isHypercall: Bool {
    switch self {
    case .unknownCall, .ipiCall, .kickCall, .yieldCall: true
    default: false
    }
  }

  private static func port(_ number: UInt16, isInput: Bool = false) -> ExitKey {
    ExitKey(reason: .io, isInput: isInput, address: UInt64(number))
  }

  private static func mmio(_ address: UInt64, isInput: Bool = false) -> ExitKey {
    ExitKey(reason: .mmio, isInput: isInput, address: address)
  }
}
