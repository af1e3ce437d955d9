import PVWire

/// As much of the ACPI Machine Language (ACPI 6.5, chapter 20) as describes devices that never change: names, packages, buffers,
/// devices. Every function returns the bytes of one term.
enum AML {
  /// `Name (name, value)`; a name has four characters.
  static func name(_ name: String, _ value: [UInt8]) -> [UInt8] { [0x08] + Array(name.utf8) + value }

  /// An integer of up to 32 bits.
  static func integer(_ value: UInt32) -> [UInt8] {
    switch value {
    case 0: [0x00]
    case 1: [0x01]
    case ...0xFF: [0x0A, UInt8(value)]
    default: [0x0C] + (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
    }
  }

  static func string(_ text: String) -> [UInt8] { [0x0D] + Array(text.utf8) + [0] }

  /// `Package { … }` of up to 255 elements.
  static func package(_ elements: [[UInt8]]) -> [UInt8] {
    [0x12] + sized([UInt8(elements.count)] + elements.flatMap { $0 })
  }

  /// `Buffer { … }`.
  static func buffer(_ bytes: [UInt8]) -> [UInt8] { [0x11] + sized(integer(UInt32(bytes.count)) + bytes) }

  /// `Device (name) { … }`.
  static func device(_ name: String, _ terms: [[UInt8]]) -> [UInt8] {
    [0x5B, 0x82] + sized(Array(name.utf8) + terms.flatMap { $0 })
  }

  /// `Scope (\name) { … }`.
  static func scope(_ name: String, _ terms: [[UInt8]]) -> [UInt8] {
    [0x10] + sized([0x5C] + Array(name.utf8) + terms.flatMap { $0 })
  }

  /// `EisaId ("PNP0A03")` (19.6.37): three letters of five bits, four digits of four, the highest byte first.
  static func eisaID(_ text: String) -> [UInt8] {
    let letters = text.utf8.prefix(3).reduce(UInt32(0)) { $0 << 5 | UInt32($1) & 0x1F }
    let digits = UInt32(text.dropFirst(3), radix: 16) ?? 0
    return integer((letters << 16 | digits).byteSwapped)
  }

  /// PkgLength (20.2.4) in front of `content`: it counts its own bytes.
  private static func sized(_ content: [UInt8]) -> [UInt8] {
    if content.count + 1 < 1 << 6 { return [UInt8(content.count + 1)] + content }
    let following = content.count + 2 < 1 << 12 ? 1 : 2
    let length = content.count + 1 + following
    let rest = (0..<following).map { UInt8(truncatingIfNeeded: length >> (4 + 8 * $0)) }
    return [UInt8(following << 6 | length & 0xF)] + rest + content
  }
}

/// Resource descriptors (ACPI 6.5, 6.4): what `_CRS` is made of.
struct ACPIResources {
  private var writer = ByteWriter()

  /// The buffer of all of them.
  var buffer: [UInt8] { AML.buffer(writer.bytes + [0x79, 0]) }

  /// Ports that the device decodes itself.
  mutating func ports(at base: UInt16, count: UInt8) {
    writer.put([0x47, 1])
    writer.put(base)
    writer.put(base)
    writer.put([1, count])
  }

  /// Memory that the device decodes itself.
  mutating func memory(at base: UInt32, count: UInt32) {
    writer.put([0x86, 9, 0, 1])
    writer.put(base)
    writer.put(count)
  }

  /// An edge-triggered, active-high interrupt.
  mutating func edge(gsi: UInt32) {
    writer.put([0x89, 6, 0, 0b011, 1])
    writer.put(gsi)
  }

  /// Bus numbers that a bridge passes on.
  mutating func passBuses(_ range: ClosedRange<UInt16>) { pass(range, type: 2, flags: 0) }

  /// Ports that a bridge passes on.
  mutating func passPorts(_ range: ClosedRange<UInt16>) { pass(range, type: 1, flags: 0b11) }

  /// Memory that a bridge passes on.
  mutating func passMemory(_ range: ClosedRange<UInt32>) {
    writer.put([0x87, 23, 0, 0, 0x0C, 1])
    for word in [0, range.lowerBound, range.upperBound, 0, range.upperBound - range.lowerBound + 1] { writer.put(word) }
  }

  private mutating func pass(_ range: ClosedRange<UInt16>, type: UInt8, flags: UInt8) {
    writer.put([0x88, 13, 0, type, 0x0C, flags])
    for word in [0, range.lowerBound, range.upperBound, 0, range.upperBound - range.lowerBound + 1] { writer.put(word) }
  }
}
