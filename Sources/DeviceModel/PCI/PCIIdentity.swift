/// What a PCI function says it is (PCI Local Bus Specification 3.0, 6.2.1).
public struct PCIIdentity: Equatable, Sendable {
  /// Vendor ID: 0x8086 is Intel, 0x1AF4 Red Hat (virtio).
  public let vendor: UInt16
  /// Device ID, the vendor's own.
  public let device: UInt16
  /// Class, subclass and programming interface, 24 bits.
  public let classCode: UInt32
  /// Revision ID.
  public let revision: UInt8
  /// Subsystem vendor ID.
  public let subsystemVendor: UInt16
  /// Subsystem ID.
  public let subsystem: UInt16
  /// 0 for none, 1 for INTA.
  public let interruptPin: UInt8

  /// An identity; see the properties.
  public init(
    vendor: UInt16, device: UInt16, classCode: UInt32, revision: UInt8 = 0, subsystemVendor: UInt16 = 0,
    subsystem: UInt16 = 0, interruptPin: UInt8 = 0
  ) {
    self.vendor = vendor
    self.device = device
    self.classCode = classCode
    self.revision = revision
    self.subsystemVendor = subsystemVendor
    self.subsystem = subsystem
    self.interruptPin = interruptPin
  }
}

/// A base address register: `byteCount` addresses from `address`, a multiple of `byteCount`, which is a power of two.
public enum PCIBaseAddress: Equatable, Sendable {
  /// 32-bit memory, not prefetchable; at least 16 bytes.
  case memory(index: Int, byteCount: UInt32, address: UInt32)
  /// I/O ports; at least 4.
  case port(index: Int, byteCount: UInt32, address: UInt32)

  /// Which of the six registers.
  public var index: Int {
    switch self {
    case .memory(let index, _, _), .port(let index, _, _): index
    }
  }

  /// Length in addresses.
  public var byteCount: UInt32 {
    switch self {
    case .memory(_, let count, _), .port(_, let count, _): count
    }
  }

  /// First address.
  public var address: UInt32 {
    switch self {
    case .memory(_, _, let address), .port(_, _, let address): address
    }
  }

  /// Whether it is a window of I/O ports.
  public var isPort: Bool {
    switch self {
    case .memory: false
    case .port: true
    }
  }

  /// The register's low bits, which tell its kind (6.2.5.1) and cannot be written.
  var kindBits: UInt32 { isPort ? 1 : 0 }
}
