/// Where a tracepoint's record has its fields, as the kernel that writes it says (`events/GROUP/NAME/format` of tracefs): offsets
/// and sizes differ between kernels, so nobody may know them beforehand.
public struct TracepointLayout: Equatable, Sendable {
  /// One field.
  public struct Field: Equatable, Sendable {
    /// Bytes from the record's start.
    public var offset: Int
    /// 1, 2, 4 or 8 bytes.
    public var size: Int
    /// True where the highest bit is a sign.
    public var isSigned: Bool

    /// A field; see the properties.
    public init(offset: Int, size: Int, isSigned: Bool) {
      self.offset = offset
      self.size = size
      self.isSigned = isSigned
    }
  }

  /// The kernel's name, `kvm_exit`.
  public var name: String
  /// What perf_event_open(2) takes as `config`, and what every record begins with.
  public var id: UInt16
  /// By name. Arrays and strings are left out.
  public var fields: [String: Field]

  /// A layout; see the properties.
  public init(name: String, id: UInt16, fields: [String: Field]) {
    self.name = name
    self.id = id
    self.fields = fields
  }

  /// Reads a format file; nil where it has no number or no field.
  public init?(name: String, format: String) {
    var id: UInt16?
    var fields: [String: Field] = [:]
    // Behind it are the words for `trace`, of any length and with anything in them.
    for line in format.split(separator: "\n").prefix(while: { !$0.hasPrefix("print fmt:") }) {
      if line.hasPrefix("ID:") { id = UInt16(line.dropFirst(3).drop { $0 == " " }) }
      if let (name, field) = Self.field(in: line) { fields[name] = field }
    }
    guard let id, !fields.isEmpty else { return nil }
    self.init(name: name, id: id, fields: fields)
  }

  /// `field:unsigned int exit_reason; offset:8; size:4; signed:0;`, with tabs between.
  private static func field(in line: Substring) -> (String, Field)? {
    var parts: [Substring: Substring] = [:]
    for part in line.split(separator: ";") {
      let pair = part.drop { $0 == "\t" || $0 == " " }.split(separator: ":", maxSplits: 1)
      if pair.count == 2 { parts[pair[0]] = pair[1] }
    }
    guard let name = parts["field"]?.split(separator: " ").last, let offset = parts["offset"].flatMap({ Int($0) }),
      let size = parts["size"].flatMap({ Int($0) }), let sign = parts["signed"]
    else { return nil }
    let field = Field(offset: offset, size: size, isSigned: sign == "1")
    return field.isNumber ? (String(name), field) : nil
  }
}

extension TracepointLayout.Field {
  /// Furthest byte that a record can have: its size travels in 16 bits.
  private static let furthest = 1 << 16

  var isNumber: Bool { [1, 2, 4, 8].contains(size) && (0...(Self.furthest - size)).contains(offset) }

  /// The field's value in a record, sign-extended to 64 bits; nil where the record ends before it.
  public func value(in record: UnsafeRawBufferPointer) -> UInt64? {
    guard offset + size <= record.count else { return nil }
    let raw = (0..<size).reduce(UInt64(0)) { $0 | UInt64(record[offset + $1]) << UInt64(8 * $1) }
    let unused = UInt64(64 - 8 * size)
    return isSigned ? UInt64(bitPattern: Int64(bitPattern: raw << unused) >> Int64(unused)) : raw
  }
}

// A runner is told of layouts on its command line: it need not find tracefs itself.
extension TracepointLayout {
  /// `kvm_exit=103,exit_reason@8+4,isa@24+4`; a signed field's size is negative.
  public var argument: String {
    ([name + "=\(id)"] + fields.sorted { $0.key < $1.key }.map { $0.key + "@" + $0.value.argument })
      .joined(separator: ",")
  }

  /// Reads an argument back; nil where it is none.
  public init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    let head = parts[0].split(separator: "=", omittingEmptySubsequences: false)
    guard head.count == 2, !head[0].isEmpty, let id = UInt16(head[1]) else { return nil }
    self.init(name: String(head[0]), id: id, fields: [:])
    for part in parts.dropFirst() {
      let pair = part.split(separator: "@", omittingEmptySubsequences: false)
      guard pair.count == 2, !pair[0].isEmpty, let field = Field(argument: pair[1]) else { return nil }
      fields[String(pair[0])] = field
    }
  }

  /// The same with these fields only.
  public func keeping(_ names: [String]) -> TracepointLayout {
    TracepointLayout(name: name, id: id, fields: fields.filter { names.contains($0.key) })
  }
}

extension TracepointLayout.Field {
  fileprivate var argument: String { "\(offset)+\(isSigned ? -size : size)" }

  fileprivate init?(argument: Substring) {
    let pair = argument.split(separator: "+", omittingEmptySubsequences: false).map { Int($0) }
    guard pair.count == 2, let offset = pair[0], let size = pair[1], size.magnitude <= 8 else { return nil }
    self.init(offset: offset, size: abs(size), isSigned: size < 0)
    guard isNumber else { return nil }
  }
}
