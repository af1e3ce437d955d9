import Glibc
import GuestMemory

/// Guest memory between inaccessible pages: an access that leaves it ends the process, whoever makes it.
final class GuardedMemory {
  /// The guest's memory, `byteCount` bytes of it.
  let guest: GuestMemory
  /// Its size in bytes, a power of two.
  let byteCount: Int

  /// Memory could not be had between guards.
  struct NoPlace: Error {}

  private static let guardByteCount = 1 << 20

  /// `byteCount` bytes (a power of two for whoever takes addresses from inputs; small ones find places elsewhere too easily)
  /// between guards of a MiB each.
  init(byteCount: Int = 1 << 17) throws {
    self.byteCount = byteCount
    guest = try Self.place(byteCount)
  }

  /// A hole between two guards, for the next mapping of its size to fall into. Mappings that fell elsewhere are kept until
  /// one did not: they fill the places that the kernel prefers.
  private static func place(_ byteCount: Int) throws -> GuestMemory {
    var misplaced: [GuestMemory] = []
    for _ in 0..<256 {
      let length = byteCount + 2 * guardByteCount
      let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
      guard let start = mmap(nil, length, PROT_NONE, flags, -1, 0), start != MAP_FAILED else { break }
      munmap(start + guardByteCount, byteCount)
      let memory = try GuestMemory(byteCount: byteCount)
      if memory.slot.start == start + guardByteCount { return memory }
      // Only the guards: by now the hole may be another thread's mapping.
      munmap(start, guardByteCount)
      munmap(start + guardByteCount + byteCount, guardByteCount)
      misplaced.append(memory)
    }
    throw NoPlace()
  }

  /// As new.
  func clear() {
    // SAFETY: the whole of guest memory, which lives as long as this object; no device is at work between inputs.
    memset(guest.slot.start, 0, guest.slot.count)
  }

  /// Writes where that is possible; a guest cannot write elsewhere.
  func write<Value: BitwiseCopyable>(_ value: Value, at address: UInt64) {
    try? guest.write(value, at: GuestAddress(address))
  }

  /// Writes bytes where that is possible.
  func write(_ bytes: [UInt8], at address: UInt64) { try? guest.write(bytes, at: GuestAddress(address)) }

  /// Reads a value, 0 where there is no memory.
  func read<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type, at address: UInt64) -> Value {
    (try? guest.read(type, at: GuestAddress(address))) ?? 0
  }

  /// A write of a few bytes as an input describes it.
  func write(_ input: FuzzInput) {
    let address = input.address(in: byteCount)
    write(input.array(input.below(16) + 1), at: address)
  }
}
