/// What the guest needs of a PVH start_info: its first module and what the command line says of virtio-mmio devices.
struct StartInfo {
  /// The bytes of the first module.
  let firstModule: [UInt8]
  private let commandLine: [UInt8]

  private static let magic: UInt32 = 0x336E_C578
  private static let longestModule: UInt64 = 65536
  private static let longestCommandLine = 4096

  /// Reads the structure at `address`; nil where there is none, or no module.
  init?(at address: UInt) {
    guard address != 0, Self.load(UInt32.self, address) == Self.magic, Self.load(UInt32.self, address + 12) > 0 else {
      return nil
    }
    let module = UInt(Self.load(UInt64.self, address + 16))
    let start = UInt(Self.load(UInt64.self, module))
    let size = min(Self.load(UInt64.self, module + 8), Self.longestModule)
    var bytes: [UInt8] = []
    for offset in 0..<UInt(size) { bytes.append(Self.load(UInt8.self, start + offset)) }
    firstModule = bytes
    var line: [UInt8] = []
    let text = UInt(Self.load(UInt64.self, address + 24))
    if text != 0 {
      while line.count < Self.longestCommandLine {
        let byte = Self.load(UInt8.self, text + UInt(line.count))
        guard byte != 0 else { break }
        line.append(byte)
      }
    }
    commandLine = line
  }

  /// The interrupt of the virtio-mmio device at `base`, from `virtio_mmio.device=<size>@<base>:<irq>`, as Linux reads it.
  func virtioInterrupt(base: UInt) -> UInt32? {
    for word in commandLine.split(separator: 32) {
      guard word.starts(with: "virtio_mmio.device=".utf8), let at = word.firstIndex(of: 64),
        let colon = word.firstIndex(of: 58), at < colon, Self.number(word[(at + 1)..<colon]) == UInt64(base)
      else { continue }
      return Self.number(word[(colon + 1)...]).map { UInt32(truncatingIfNeeded: $0) }
    }
    return nil
  }

  /// A number in decimal, or in hexadecimal behind 0x, up to the first other character.
  private static func number(_ text: ArraySlice<UInt8>) -> UInt64? {
    let isHexadecimal = text.starts(with: "0x".utf8)
    var value: UInt64 = 0
    for byte in isHexadecimal ? text.dropFirst(2) : text {
      switch byte {
      case 48...57: value = value &* (isHexadecimal ? 16 : 10) &+ UInt64(byte - 48)
      case 97...102 where isHexadecimal: value = value &* 16 &+ UInt64(byte - 87)
      case 65...70 where isHexadecimal: value = value &* 16 &+ UInt64(byte - 55)
      default: return value
      }
    }
    return text.isEmpty ? nil : value
  }

  private static func load<Value: BitwiseCopyable>(_ type: Value.Type, _ address: UInt) -> Value {
    // SAFETY: the VMM's own tables in the guest's identity-mapped memory.
    UnsafeRawPointer(bitPattern: address).unsafelyUnwrapped.loadUnaligned(as: Value.self)
  }
}
