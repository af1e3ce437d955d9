import GuestMemory
import PVWire

/// Where a guest's ELF starts as a process, by its note "pvbench" of type 1 (workloads, entry.S).
enum ProcessEntry {
  /// The address in that note. (System V ABI, "Program header" and "Note section".)
  static func find(in image: [UInt8]) throws(MachineError) -> GuestAddress {
    do {
      var header = ByteReader(image)
      _ = try header.take(count: 32)
      let table = try header.take(UInt64.self)
      _ = try header.take(count: 14)
      let size = try header.take(UInt16.self)
      let count = try header.take(UInt16.self)
      for index in 0..<UInt64(count) {
        var segment = try reader(image, at: table &+ index &* UInt64(size))
        guard try segment.take(UInt32.self) == 4 else { continue }  // PT_NOTE
        _ = try segment.take(UInt32.self)
        let offset = try segment.take(UInt64.self)
        _ = try segment.take(count: 16)
        let length = try segment.take(UInt64.self)
        var notes = try reader(image, at: offset)
        if let entry = try entry(in: &notes, length: length) { return entry }
      }
    } catch {
      throw .guestImage(.truncated)
    }
    throw .unavailable("the guest's image does not say where it starts as a process")
  }

  private static func entry(in notes: inout ByteReader, length: UInt64) throws(WireError) -> GuestAddress? {
    let end = notes.remaining - Int(clamping: length)
    while notes.remaining > max(end, 0) {
      let nameSize = try notes.take(UInt32.self)
      let size = try notes.take(UInt32.self)
      let type = try notes.take(UInt32.self)
      let name = try notes.take(count: aligned(nameSize))
      let content = try notes.take(count: aligned(size))
      guard type == 1, size == 8, name == Array("pvbench\0".utf8) else { continue }
      var address = ByteReader(content)
      return GuestAddress(try address.take(UInt64.self))
    }
    return nil
  }

  private static func aligned(_ size: UInt32) -> Int { (Int(size) + 3) & ~3 }

  private static func reader(_ image: [UInt8], at offset: UInt64) throws(WireError) -> ByteReader {
    guard offset <= UInt64(image.count) else { throw .truncated }
    return ByteReader(Array(image[Int(offset)...]))
  }
}
