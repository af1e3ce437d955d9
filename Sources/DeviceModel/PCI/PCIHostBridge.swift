/// Bus 0 behind configuration mechanism #1 (PCI Local Bus Specification 3.0, 3.2.2.3.2): an address register at the first of
/// eight ports, a window of four bytes at the fifth. The bridge itself is function 0 of slot 0: an Intel 440FX (82441FX).
public final class PCIHostBridge {
  private let configurationPorts = ConfigurationPorts()

  /// A bus with nothing on it but its bridge.
  public init() {
    add(PCIStub(PCIIdentity(vendor: 0x8086, device: 0x1237, classCode: 0x060000, revision: 2)), slot: 0)
  }

  /// Puts `function` on the bus, before the guest starts. A slot with further functions needs a function 0, added first.
  public func add(_ function: any PCIFunction, slot: Int, function number: Int = 0) {
    precondition((0..<32).contains(slot) && (0..<8).contains(number), "a bus has 32 slots of 8 functions")
    precondition(configurationPorts.functions[slot * 8 + number] == nil, "a function has a place of its own")
    configurationPorts.functions[slot * 8 + number] = function
    if number > 0 { configurationPorts.functions[slot * 8]?.configuration.setMultifunction() }
  }

  /// The eight ports, on PCs at 0xCF8.
  public var ports: any Device { configurationPorts }
}

private final class ConfigurationPorts: Device {
  /// By slot × 8 + function.
  var functions = [(any PCIFunction)?](repeating: nil, count: 256)
  private var address: UInt32 = 0

  private static let dataOffset = 4
  private static let enable: UInt32 = 1 << 31
  private static let writableAddress: UInt32 = 0x80FF_FFFC

  /// The address register answers 32-bit accesses only; what nobody decodes reads as all ones.
  func read(at offset: Int, width: AccessWidth) -> UInt64 {
    if offset == 0 && width == .long { return UInt64(address) }
    guard let (function, register) = target(offset, width) else { return Self.nobody(width) }
    function.configurationWillBeRead(at: register, width: width)
    return function.configuration.read(at: register, width: width)
  }

  func write(_ value: UInt64, at offset: Int, width: AccessWidth) {
    if offset == 0 && width == .long {
      address = UInt32(truncatingIfNeeded: value) & Self.writableAddress
      return
    }
    guard let (function, register) = target(offset, width) else { return }
    function.configuration.write(value, at: register, width: width)
    function.configurationWritten(at: register, width: width)
  }

  /// Whose register an access within the data window means; nil where it crosses the window's end.
  private func target(_ offset: Int, _ width: AccessWidth) -> (any PCIFunction, Int)? {
    guard address & Self.enable != 0, address >> 16 & 0xFF == 0, offset >= Self.dataOffset,
      offset <= Self.dataOffset + 4 - width.rawValue, let function = functions[Int(address >> 8 & 0xFF)]
    else { return nil }
    return (function, Int(address & 0xFC) + offset - Self.dataOffset)
  }

  private static func nobody(_ width: AccessWidth) -> UInt64 { .max >> UInt64(64 - 8 * width.rawValue) }
}
