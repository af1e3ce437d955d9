import Synchronization

/// The 256 bytes of a type 0 configuration header with their write masks (PCI Local Bus Specification 3.0, chapter 6).
///
/// Base addresses are the machine's: there is no firmware, and both decode bits are set as firmware would leave them. A driver
/// that sizes a base address register and puts its address back finds what it expects; one that moves a window or switches its
/// decoding off reads back what it wrote, but the window stays where it is. Configuration accesses come one at a time; the
/// command bits and the interrupt status may be used from any thread.
public final class PCIConfiguration {
  /// Bytes in a function's configuration space.
  public static let byteCount = 256

  private enum Register {
    static let command = 0x04
    static let status = 0x06
    static let headerType = 0x0E
    static let baseAddresses = 0x10
    static let subsystem = 0x2C
    static let capabilities = 0x34
    static let interruptLine = 0x3C
    static let firstCapability = 0x40
  }
  private enum Command {
    static let ports: UInt16 = 1 << 0
    static let memory: UInt16 = 1 << 1
    static let busMaster: UInt16 = 1 << 2
    static let interruptDisable: UInt16 = 1 << 10
  }

  private var bytes = [UInt8](repeating: 0, count: PCIConfiguration.byteCount)
  private var writable = [UInt8](repeating: 0, count: PCIConfiguration.byteCount)
  private var capabilityEnd = Register.firstCapability
  private let command: Atomic<UInt16>
  private let interruptPending = Atomic<Bool>(false)

  /// The header of `identity`, its base address registers holding the machine's addresses. `interruptLine` is what firmware
  /// would have noted: the input of the interrupt controller.
  public init(_ identity: PCIIdentity, baseAddresses: [PCIBaseAddress], interruptLine: UInt8) {
    let decoding =
      (baseAddresses.contains(where: \.isPort) ? Command.ports : 0)
      | (baseAddresses.contains { !$0.isPort } ? Command.memory : 0)
    command = Atomic(decoding)
    set(identity.vendor, at: 0x00)
    set(identity.device, at: 0x02)
    set(decoding, at: Register.command)
    allowWriting(decoding | Command.busMaster | Command.interruptDisable, at: Register.command)
    set(identity.classCode << 8 | UInt32(identity.revision), at: 0x08)
    allowWriting(UInt8.max, at: 0x0C)  // cache line size: a scratch register
    set(identity.subsystemVendor, at: Register.subsystem)
    set(identity.subsystem, at: Register.subsystem + 2)
    set(interruptLine, at: Register.interruptLine)
    set(identity.interruptPin, at: Register.interruptLine + 1)
    allowWriting(UInt8.max, at: Register.interruptLine)
    for base in baseAddresses { install(base) }
  }

  private func install(_ base: PCIBaseAddress) {
    let least: UInt32 = base.isPort ? 4 : 16
    precondition((0..<6).contains(base.index), "a type 0 header has six base addresses")
    precondition(base.byteCount >= least && base.byteCount & (base.byteCount - 1) == 0, "a window is a power of two")
    precondition(base.address & (base.byteCount - 1) == 0, "a window is aligned to its size")
    let register = Register.baseAddresses + 4 * base.index
    set(base.address | base.kindBits, at: register)
    allowWriting(~(base.byteCount - 1), at: register)
  }

  /// Appends a capability (6.7): `bytes` is its body after ID and next pointer, `writable` its write masks, as long or shorter.
  ///
  /// - Returns: the capability's offset.
  @discardableResult
  public func addCapability(id: UInt8, _ body: [UInt8], writable masks: [UInt8] = []) -> Int {
    let offset = capabilityEnd
    precondition(offset + 2 + body.count <= Self.byteCount && masks.count <= body.count, "capabilities fit the header")
    // A new capability is put at the head of the chain.
    bytes[offset] = id
    bytes[offset + 1] = bytes[Register.capabilities]
    bytes[Register.capabilities] = UInt8(offset)
    bytes[Register.status] |= 0x10
    for (index, byte) in body.enumerated() { bytes[offset + 2 + index] = byte }
    for (index, mask) in masks.enumerated() { writable[offset + 2 + index] = mask }
    capabilityEnd = (offset + 2 + body.count + 3) & ~3
    return offset
  }

  /// Reads as the guest does; bytes beyond the end are all ones.
  public func read(at offset: Int, width: AccessWidth) -> UInt64 {
    ByteLanes.read(at: offset, width: width) { place in
      guard bytes.indices.contains(place) else { return 0xFF }
      let isStatus = place == Register.status && interruptPending.load(ordering: .relaxed)
      return bytes[place] | (isStatus ? 0x08 : 0)
    }
  }

  /// Writes as the guest does: only what is writable changes.
  public func write(_ value: UInt64, at offset: Int, width: AccessWidth) {
    ByteLanes.write(value, at: offset, width: width) { byte, place in
      guard bytes.indices.contains(place) else { return }
      bytes[place] = bytes[place] & ~writable[place] | byte & writable[place]
    }
    command.store(UInt16(bytes[Register.command]) | UInt16(bytes[Register.command + 1]) << 8, ordering: .releasing)
  }

  /// Puts a value of the function's own where the guest will read it, write masks or not.
  public func set<Value: FixedWidthInteger>(_ value: Value, at offset: Int) {
    for index in 0..<(Value.bitWidth / 8) { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * index)) }
  }

  /// Lets the guest write the bits of `mask` at `offset`.
  public func allowWriting<Value: FixedWidthInteger>(_ mask: Value, at offset: Int) {
    for index in 0..<(Value.bitWidth / 8) { writable[offset + index] = UInt8(truncatingIfNeeded: mask >> (8 * index)) }
  }

  /// Whether the function may read and write guest memory by itself.
  public var isBusMaster: Bool { has(Command.busMaster) }
  /// Whether the function must not assert its INTx pin.
  public var isInterruptDisabled: Bool { has(Command.interruptDisable) }
  /// Whether its memory windows are switched on.
  public var decodesMemory: Bool { has(Command.memory) }
  /// Whether its port windows are switched on.
  public var decodesPorts: Bool { has(Command.ports) }

  private func has(_ bit: UInt16) -> Bool { command.load(ordering: .acquiring) & bit != 0 }

  /// Shows an INTx interrupt as pending or not (status register, bit 3).
  public func setInterruptPending(_ isPending: Bool) { interruptPending.store(isPending, ordering: .relaxed) }

  /// Says that the slot has more functions than this one (header type, bit 7).
  func setMultifunction() { bytes[Register.headerType] |= 0x80 }
}
