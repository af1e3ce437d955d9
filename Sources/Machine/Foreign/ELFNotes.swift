/// What an ELF's notes (System V ABI, "Note section") say of a kernel.
struct ELFNotes {
  /// The 32-bit entry that a PVH note names (Xen, XEN_ELFNOTE_PHYS32_ENTRY): the first one.
  private(set) var pvhEntry: UInt64?
  /// Whether there is a note of Linux's own (include/linux/build-salt.h), which each of its vmlinux with a PVH note has.
  private(set) var isLinux = false

  /// Longest area of notes that is looked through, in bytes.
  private static let longest: UInt64 = 64 << 10
  private static let physicalEntry = 18

  /// Adds the notes of one segment.
  mutating func read(_ image: any ImageSource, at offset: UInt64, count: UInt64) throws(ForeignImageError) {
    guard count <= Self.longest else { throw .unsupported("has more notes than any kernel") }
    let notes = try image.bytes(at: offset, count: Int(count), "notes")
    func number(at place: Int) -> Int { (0..<4).reduce(0) { $0 | Int(notes[place + $1]) << (8 * $1) } }
    var place = 0
    while place + 12 <= notes.count {
      let (nameLength, length, type) = (number(at: place), number(at: place + 4), number(at: place + 8))
      let name = place + 12
      let descriptor = name + (nameLength + 3) & ~3
      guard descriptor + length <= notes.count else { throw .truncated(what: "notes") }
      let owner = notes[name..<(name + nameLength)]
      if owner.elementsEqual("Linux\0".utf8) { isLinux = true }
      if type == Self.physicalEntry, length >= 4, owner.elementsEqual("Xen\0".utf8), pvhEntry == nil {
        pvhEntry = UInt64(number(at: descriptor))
      }
      place = descriptor + (length + 3) & ~3
    }
  }
}
