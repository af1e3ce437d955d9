import GuestMemory

/// What is to be loaded of an ELF executable, 32 or 64 bits (System V ABI, "Object files" and "Program loading").
struct ELFImage {
  /// A PT_LOAD segment.
  struct Segment {
    let offset: UInt64
    let virtualAddress: UInt64
    let physicalAddress: UInt64
    let fileByteCount: UInt64
    let memoryByteCount: UInt64
  }

  let is64Bit: Bool
  /// The address in the header: physical in a Linux kernel, virtual elsewhere.
  let entry: UInt64
  let segments: [Segment]
  /// What its notes say.
  let notes: ELFNotes

  private enum Machine {
    static let i386: UInt16 = 3
    static let x86_64: UInt16 = 62
  }
  private enum Kind {
    static let load: UInt32 = 1
    static let note: UInt32 = 4
  }

  /// Reads the headers of `image`; nil where it is no ELF at all.
  init?(_ image: any ImageSource) throws(ForeignImageError) {
    guard image.byteCount >= 4, try image.number(UInt32.self, at: 0, "header") == 0x464C_457F else { return nil }
    let identity = try image.bytes(at: 0, count: 16, "ELF header")
    guard identity[5] == 1, identity[4] == 1 || identity[4] == 2 else {
      throw .unsupported("is an ELF, but not a little-endian one of 32 or 64 bits")
    }
    is64Bit = identity[4] == 2
    let machine = try image.number(UInt16.self, at: 18, "ELF header")
    guard machine == Machine.x86_64 || machine == Machine.i386 else {
      throw .unsupported("is an ELF for machine \(machine), not for x86 (3 or 62)")
    }
    let header = ELFFields(image, is64Bit: is64Bit, base: 0, "ELF header")
    entry = try header.word(narrow: 24, wide: 24)
    let table = try header.word(narrow: 28, wide: 32)
    let size = try header.half(narrow: 42, wide: 54)
    let count = try header.half(narrow: 44, wide: 56)
    guard size >= (is64Bit ? 56 : 32) else { throw .truncated(what: "program headers") }
    var segments: [Segment] = []
    var notes = ELFNotes()
    for index in 0..<UInt64(count) {
      let base = table.addingReportingOverflow(index * UInt64(size))
      guard !base.overflow else { throw .truncated(what: "program headers") }
      let fields = ELFFields(image, is64Bit: is64Bit, base: base.partialValue, "program headers")
      let kind = try fields.number(UInt32.self, at: 0)
      guard kind == Kind.load || kind == Kind.note else { continue }
      let segment = try Self.segment(fields)
      if kind == Kind.load {
        segments.append(segment)
      } else {
        try notes.read(image, at: segment.offset, count: segment.fileByteCount)
      }
    }
    self.segments = segments
    self.notes = notes
  }

  /// Puts every segment at its physical address; memory beyond the file's part is zero already.
  ///
  /// - Returns: the end of the highest one.
  func load(_ image: any ImageSource, into memory: GuestMemory) throws(ForeignImageError) -> UInt64 {
    guard segments.contains(where: { $0.memoryByteCount > 0 }) else {
      throw .unsupported("is an ELF with nothing to load")
    }
    var end: UInt64 = 0
    for segment in segments where segment.memoryByteCount > 0 {
      guard segment.fileByteCount <= segment.memoryByteCount else { throw .truncated(what: "segments") }
      end = max(
        end,
        try ForeignLayout.check(start: segment.physicalAddress, byteCount: segment.memoryByteCount, in: memory))
      try image.load(
        at: segment.offset, count: segment.fileByteCount, to: GuestAddress(segment.physicalAddress), of: memory,
        "segments")
    }
    return end
  }

  /// The entry as a physical address, where it lies in a segment.
  var physicalEntry: UInt64 {
    for segment in segments where entry >= segment.virtualAddress {
      let offset = entry - segment.virtualAddress
      if offset < segment.memoryByteCount { return segment.physicalAddress &+ offset }
    }
    return entry
  }

  private static func segment(_ fields: ELFFields) throws(ForeignImageError) -> Segment {
    Segment(
      offset: try fields.word(narrow: 4, wide: 8), virtualAddress: try fields.word(narrow: 8, wide: 16),
      physicalAddress: try fields.word(narrow: 12, wide: 24), fileByteCount: try fields.word(narrow: 16, wide: 32),
      memoryByteCount: try fields.word(narrow: 20, wide: 40))
  }
}

/// The fields of one ELF structure, which are elsewhere and wider in the 64-bit format.
private struct ELFFields {
  private let image: any ImageSource
  private let is64Bit: Bool
  private let base: UInt64
  private let what: String

  init(_ image: any ImageSource, is64Bit: Bool, base: UInt64, _ what: String) {
    self.image = image
    self.is64Bit = is64Bit
    self.base = base
    self.what = what
  }

  func number<Value: FixedWidthInteger>(_ type: Value.Type, at offset: UInt64) throws(ForeignImageError) -> Value {
    let place = base.addingReportingOverflow(offset)
    guard !place.overflow else { throw .truncated(what: what) }
    return try image.number(type, at: place.partialValue, what)
  }

  func word(narrow: UInt64, wide: UInt64) throws(ForeignImageError) -> UInt64 {
    is64Bit ? try number(UInt64.self, at: wide) : UInt64(try number(UInt32.self, at: narrow))
  }

  func half(narrow: UInt64, wide: UInt64) throws(ForeignImageError) -> UInt16 {
    try number(UInt16.self, at: is64Bit ? wide : narrow)
  }
}
