import GuestMemory
import PVWire

@testable import Machine

/// An image in memory.
final class ImageBytes: ImageSource {
  let bytes: [UInt8]
  var byteCount: UInt64 { UInt64(bytes.count) }

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  func read(at offset: UInt64, into target: UnsafeMutableRawBufferPointer) throws(ForeignImageError) {
    target.copyBytes(from: bytes[Int(offset)..<(Int(offset) + target.count)])
  }
}

/// An ELF of 32 or 64 bits, any field of which can be wrong: headers, a multiboot header where asked for, notes, and 16 bytes to
/// load at 2 MiB.
struct ForeignELF {
  var is64Bit = true
  var machine: UInt16 = 62
  var entry: UInt64 = 0x20_0000
  var table: UInt64?
  var count: UInt16?
  var offset: UInt64 = 0x400
  var virtual: UInt64 = 0x20_0000
  var physical: UInt64 = 0x20_0000
  var fileSize: UInt64 = 16
  var memorySize: UInt64 = 32
  var multibootFlags: UInt32?
  var pvhEntry: UInt32?
  var noteLength: UInt32 = 4
  /// Whether there is a note of Linux's own behind the others.
  var hasLinuxNote = false
  var payload: [UInt8] = (1...16).map { UInt8($0) }

  private func put(_ value: UInt64, _ writer: inout ByteWriter) {
    if is64Bit { writer.put(value) } else { writer.put(UInt32(truncatingIfNeeded: value)) }
  }

  private func header(type: UInt32, offset: UInt64, _ sizes: (UInt64, UInt64), _ writer: inout ByteWriter) {
    writer.put(type)
    if is64Bit { writer.put(UInt32(7)) }
    for word in [offset, virtual, physical, sizes.0, sizes.1] { put(word, &writer) }
    if !is64Bit { writer.put(UInt32(7)) }
    put(4096, &writer)
  }

  var bytes: [UInt8] {
    let (headerSize, entrySize): (UInt64, UInt16) = is64Bit ? (64, 56) : (52, 32)
    var file = ByteWriter()
    file.put([0x7F, 0x45, 0x4C, 0x46, is64Bit ? 2 : 1, 1, 1] + [UInt8](repeating: 0, count: 9))
    file.put(UInt16(2))
    file.put(machine)
    file.put(UInt32(1))
    put(entry, &file)
    put(table ?? headerSize, &file)
    put(0, &file)
    file.put(UInt32(0))
    file.put(UInt16(headerSize))
    file.put(entrySize)
    file.put(count ?? (pvhEntry == nil ? 1 : 2))
    file.put([UInt8](repeating: 0, count: Int(headerSize) - file.bytes.count))
    header(type: 1, offset: offset, (fileSize, memorySize), &file)
    let notesSize: UInt64 = hasLinuxNote ? 44 : 20
    header(type: 4, offset: 0x200, (notesSize, notesSize), &file)
    file.put([UInt8](repeating: 0, count: 0x200 - file.bytes.count))
    file.put(UInt32(4))
    file.put(noteLength)
    file.put(UInt32(18))
    file.put(Array("Xen\0".utf8))
    file.put(pvhEntry ?? 0)
    for word in [6, 4, 0x100] as [UInt32] { file.put(word) }
    file.put(Array("Linux\0\0\0".utf8))
    file.put(UInt32(0))
    file.put([UInt8](repeating: 0, count: 0x300 - file.bytes.count))
    if let multibootFlags {
      for word in [0x1BAD_B002, multibootFlags, 0 &- (0x1BAD_B002 &+ multibootFlags)] { file.put(word) }
    }
    file.put([UInt8](repeating: 0, count: 0x400 - file.bytes.count))
    file.put(payload)
    return file.bytes
  }
}

/// A bzImage of five setup sectors and a kernel of 1 KiB, any field of which can be wrong.
struct ForeignBzImage {
  var sectors: UInt8 = 4
  var version: UInt16 = 0x020F
  var loadFlags: UInt16 = 1
  var jump: UInt8 = 0x6A
  var paragraphs: UInt32 = 64
  var address: UInt64 = 0x20_0000
  var workspace: UInt32 = 0x1_0000
  var ramdiskLimit: UInt32 = 0x7FFF_FFFF
  var commandLine: UInt32 = 2047

  var bytes: [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 5 * 512) + (0..<1024).map { UInt8(truncatingIfNeeded: $0) }
    func put<Value: FixedWidthInteger>(_ value: Value, _ offset: Int) {
      for index in 0..<(Value.bitWidth / 8) {
        bytes[offset + index] = UInt8(truncatingIfNeeded: value >> Value(8 * index))
      }
    }
    put(sectors, 0x1F1)
    put(paragraphs, 0x1F4)
    put(UInt16(0xAA55), 0x1FE)
    put(jump, 0x201)
    put(UInt32(0x5372_6448), 0x202)
    put(version, 0x206)
    put(ramdiskLimit, 0x22C)
    put(loadFlags, 0x236)
    put(commandLine, 0x238)
    put(address, 0x258)
    put(workspace, 0x260)
    return bytes
  }
}
