import GuestMemory
import MachineLauncher
import PVWire

@testable import Machine

/// The start of a foreign kernel's file: fields that are right more often than not, then whatever is left of the input.
private final class FuzzedImage: ImageSource {
  private let bytes: [UInt8]
  let byteCount: UInt64

  /// A file of `byteCount` bytes, zero behind `bytes`: a kernel that is large takes no memory.
  init(_ bytes: [UInt8], byteCount: UInt64) {
    self.bytes = bytes
    self.byteCount = max(byteCount, UInt64(bytes.count))
  }

  func read(at offset: UInt64, into target: UnsafeMutableRawBufferPointer) throws(ForeignImageError) {
    mustHold(
      offset <= byteCount && UInt64(target.count) <= byteCount - offset, "a read outside the image was not refused")
    let count = offset < UInt64(bytes.count) ? min(target.count, bytes.count - Int(offset)) : 0
    if count > 0 { target.copyBytes(from: bytes[Int(offset)..<(Int(offset) + count)]) }
  }
}

/// Loads what it is given and hands over, with a ramdisk of any size, into memory with guard pages around it.
private func boot(_ input: FuzzInput, _ image: FuzzedImage, into memory: GuardedMemory) throws {
  memory.clear()
  let guest = memory.guest
  let kernel = try ForeignKernel(image, input.flag() ? .multiboot : .automatic)
  let (_, end) = try kernel.load(image, into: guest)
  mustHold(end <= UInt64(guest.byteCount), "a kernel ends outside RAM")
  let byteCount = input.number()
  let start = try kernel.placeRamdisk(byteCount: byteCount, above: end, in: guest)
  let (top, overflow) = start.value.addingReportingOverflow(byteCount)
  mustHold(!overflow && top <= UInt64(guest.byteCount) && start.value >= end, "a ramdisk is in the wrong place")
  let handover = Handover(
    commandLine: input.array(input.below(256)), ramdisk: start.value..<top, acpiRoot: ACPITables.root)
  try kernel.write(handover, into: guest)
}

extension FuzzInput {
  /// Takes an address as it is in RAM, or any.
  fileprivate func place() -> UInt64 { flag() ? 0x10_0000 + UInt64(value(UInt16.self)) : number() }
}

/// Multiboot 1: headers of any flags and addresses, alone or in a 32-bit ELF.
struct MultibootFuzz: FuzzTarget {
  static let name = "boot-multiboot"
  private let memory: GuardedMemory

  init() throws { memory = try GuardedMemory(byteCount: 3 << 19) }

  func run(_ input: FuzzInput) throws {
    var file = ByteWriter()
    if input.flag() { file.put(elf(input)) }
    file.put([UInt8](repeating: 0, count: 4 * input.below(16)))
    let flags = UInt32(input.below(16)) | (input.flag() ? 1 << 16 : 0)
    for word in [0x1BAD_B002, flags, 0 &- (0x1BAD_B002 &+ flags)] { file.put(word) }
    for _ in 0..<5 { file.put(UInt32(truncatingIfNeeded: input.place())) }
    let size = input.number() & 0x1F_FFFF
    file.put(input.array(input.below(64)))
    try boot(input, FuzzedImage(file.bytes, byteCount: size), into: memory)
  }

  private func elf(_ input: FuzzInput) -> [UInt8] {
    var file = ByteWriter()
    file.put([0x7F, 0x45, 0x4C, 0x46, 1, 1] + [UInt8](repeating: 0, count: 12))
    file.put(UInt16(3))
    file.put(UInt32(1))
    file.put(UInt32(truncatingIfNeeded: input.place()))
    file.put(UInt32(52))
    file.put([UInt8](repeating: 0, count: 10))
    file.put(UInt16(32))
    file.put(UInt16(input.below(4)))
    file.put([UInt8](repeating: 0, count: 52 - file.bytes.count))
    for _ in 0..<2 {
      file.put(UInt32(1))
      file.put(UInt32(truncatingIfNeeded: input.number()))
      for _ in 0..<2 { file.put(UInt32(truncatingIfNeeded: input.place())) }
      for _ in 0..<4 { file.put(UInt32(truncatingIfNeeded: input.number())) }
    }
    return file.bytes
  }
}

/// ELF kernels: PVH notes and segments.
struct KernelELFFuzz: FuzzTarget {
  static let name = "boot-elf"
  private let memory: GuardedMemory

  init() throws { memory = try GuardedMemory(byteCount: 3 << 19) }

  func run(_ input: FuzzInput) throws {
    var file = ByteWriter()
    file.put([0x7F, 0x45, 0x4C, 0x46, 2, 1] + [UInt8](repeating: 0, count: 12))
    file.put(UInt16(62))
    file.put(UInt32(1))
    file.put(input.place())
    file.put(input.flag() ? 64 : input.number())
    file.put([UInt8](repeating: 0, count: 14))
    file.put(UInt16(input.flag() ? 56 : input.below(128)))
    file.put(UInt16(input.below(6)))
    file.put([UInt8](repeating: 0, count: 64 - file.bytes.count))
    for _ in 0..<input.below(4) {
      file.put(UInt32(input.flag() ? 1 : 4))
      file.put(UInt32(7))
      file.put(input.number())
      for _ in 0..<2 { file.put(input.place()) }
      for _ in 0..<3 { file.put(input.number()) }
    }
    for _ in 0..<input.below(4) {
      file.put(input.flag() ? 4 : UInt32(truncatingIfNeeded: input.number()))
      file.put(input.flag() ? 4 : UInt32(truncatingIfNeeded: input.number()))
      file.put(UInt32(18))
      file.put(Array("Xen\0".utf8))
      file.put(input.value(UInt32.self))
    }
    let size = input.number() & 0x1F_FFFF
    file.put(input.array(input.below(64)))
    try boot(input, FuzzedImage(file.bytes, byteCount: size), into: memory)
  }
}

/// bzImages: any setup header.
struct BzImageFuzz: FuzzTarget {
  static let name = "boot-bzimage"
  private let memory: GuardedMemory

  init() throws { memory = try GuardedMemory(byteCount: 3 << 19) }

  func run(_ input: FuzzInput) throws {
    var bytes = [UInt8](repeating: 0, count: 0x280)
    func put<Value: FixedWidthInteger>(_ value: Value, _ offset: Int) {
      for index in 0..<(Value.bitWidth / 8) {
        bytes[offset + index] = UInt8(truncatingIfNeeded: value >> Value(8 * index))
      }
    }
    put(UInt32(0x5372_6448), 0x202)
    put(input.flag() ? 0x020F : input.value(UInt16.self), 0x206)
    put(input.flag() ? 1 : input.value(UInt16.self), 0x236)
    put(input.flag() ? 0x6A : input.byte(), 0x201)
    put(input.byte(), 0x1F1)
    put(UInt32(truncatingIfNeeded: input.number()), 0x1F4)
    put(UInt32(truncatingIfNeeded: input.flag() ? 0x7FFF_FFFF : input.number()), 0x22C)
    put(UInt32(truncatingIfNeeded: input.number()), 0x238)
    put(input.place(), 0x258)
    put(UInt32(truncatingIfNeeded: input.number()), 0x260)
    let size = input.number() & 0x1F_FFFF
    for _ in 0..<input.below(8) { bytes[Int(input.value(UInt16.self)) % bytes.count] = input.byte() }
    bytes.removeLast(input.flag() ? 0 : input.below(256))
    try boot(input, FuzzedImage(bytes, byteCount: size), into: memory)
  }
}
