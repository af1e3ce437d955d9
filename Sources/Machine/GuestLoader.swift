import Glibc
import GuestMemory
import PVWire

/// Why an ELF cannot be loaded as a guest.
public enum GuestImageError: Error, Equatable, CustomStringConvertible {
  case cannotRead(path: String, errno: Int32)
  case notELF64
  case wrongMachine(UInt16)
  case truncated
  case segmentOutsideRAM(GuestAddress)

  /// What happened, in one line.
  public var description: String {
    switch self {
    case .cannotRead(let path, let code): "cannot read \(path): \(String(cString: strerror(code)))"
    case .notELF64: "not a little-endian ELF64 executable"
    case .wrongMachine(let machine): "ELF machine \(machine) is not x86-64 (62)"
    case .truncated: "the file ends before its segments do"
    case .segmentOutsideRAM(let address): "the segment at \(address) does not fit in guest RAM"
    }
  }
}

/// Puts a guest into memory: the ELF's segments, page tables, and the PVH start_info with its orders.
enum GuestLoader {
  /// Loads every PT_LOAD segment at its physical address; returns the entry point. Memory beyond the file's part is zero
  /// already. (System V ABI, "Object files" and "Program loading".)
  static func load(_ image: [UInt8], into memory: GuestMemory) throws(MachineError) -> GuestAddress {
    var header = ByteReader(image)
    do {
      let identity = try header.take(count: 16)
      guard identity.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2, 1]) else { throw MachineError.guestImage(.notELF64) }
      _ = try header.take(UInt16.self)
      let machine = try header.take(UInt16.self)
      guard machine == 62 else { throw MachineError.guestImage(.wrongMachine(machine)) }
      _ = try header.take(UInt32.self)
      let entry = try header.take(UInt64.self)
      let table = try header.take(UInt64.self)
      _ = try header.take(count: 14)
      let size = try header.take(UInt16.self)
      let count = try header.take(UInt16.self)
      for index in 0..<UInt64(count) {
        try loadSegment(image, headerAt: table &+ index &* UInt64(size), into: memory)
      }
      return GuestAddress(entry)
    } catch let error as MachineError {
      throw error
    } catch {
      throw .guestImage(.truncated)
    }
  }

  private static func loadSegment(_ image: [UInt8], headerAt offset: UInt64, into memory: GuestMemory) throws {
    guard offset <= UInt64(image.count) else { throw WireError.truncated }
    var header = ByteReader(Array(image[Int(offset)...].prefix(56)))
    guard try header.take(UInt32.self) == 1 else { return }  // PT_LOAD
    _ = try header.take(UInt32.self)
    let start = try header.take(UInt64.self)
    _ = try header.take(UInt64.self)
    let address = GuestAddress(try header.take(UInt64.self))
    let fileSize = try header.take(UInt64.self)
    let memorySize = try header.take(UInt64.self)
    guard start <= UInt64(image.count), fileSize <= UInt64(image.count) - start, fileSize <= memorySize else {
      throw WireError.truncated
    }
    do throws(GuestMemoryError) {
      _ = try memory.hostRange(at: address, count: Int(clamping: memorySize))
      try memory.write(Array(image[Int(start)..<Int(start + fileSize)]), at: address)
    } catch {
      throw MachineError.guestImage(.segmentOutsideRAM(address))
    }
  }

  /// Identity-maps the first GiB and the GiB below 4 GiB with 2 MiB pages that ring 3 may use; the upper one uncached.
  static func writePageTables(into memory: GuestMemory) throws(GuestMemoryError) {
    let root = MemoryMap.pageTables
    let flags: UInt64 = 0x07  // present, writable, user
    try memory.write(root + 0x1000 | flags, at: GuestAddress(root))
    try memory.write(root + 0x2000 | flags, at: GuestAddress(root + 0x1000))
    try memory.write(root + 0x3000 | flags, at: GuestAddress(root + 0x1000 + 3 * 8))
    for index in 0..<UInt64(512) {
      try memory.write(index << 21 | 0x87, at: GuestAddress(root + 0x2000 + 8 * index))
      try memory.write(0xC000_0000 + index << 21 | 0x9F, at: GuestAddress(root + 0x3000 + 8 * index))
    }
  }

  /// Writes a PVH start_info (Xen, `public/arch-x86/hvm/start_info.h`, version 1) with the orders as its only module.
  /// Everything that the map has below the ring lies `shift` bytes higher.
  static func writeStartInfo(
    orders: [UInt8], commandLine: String, shift: UInt64 = 0, into memory: GuestMemory
  ) throws(GuestMemoryError) {
    let base = MemoryMap.startInfo + shift
    let (modules, map, line) = (base + 0x40, base + 0x80, base + 0x100)
    var info = ByteWriter()
    info.put(UInt32(0x336E_C578))
    info.put(UInt32(1))
    info.put(UInt32(0))
    info.put(UInt32(1))
    info.put(modules)
    info.put(line)
    info.put(UInt64(0))
    info.put(map)
    info.put(UInt32(1))
    info.put(UInt32(0))
    try memory.write(info.bytes, at: GuestAddress(base))
    var module = ByteWriter()
    for value in [MemoryMap.orders + shift, UInt64(orders.count), 0, 0] { module.put(value) }
    try memory.write(module.bytes, at: GuestAddress(modules))
    var entry = ByteWriter()
    entry.put(UInt64(0))
    entry.put(UInt64(memory.byteCount))
    entry.put(UInt32(1))  // RAM
    entry.put(UInt32(0))
    try memory.write(entry.bytes, at: GuestAddress(map))
    try memory.write(Array(commandLine.utf8.prefix(0xE00)) + [0], at: GuestAddress(line))
    try memory.write(orders, at: GuestAddress(MemoryMap.orders + shift))
  }
}
