import Drivers
import PVWire

extension Session {
  /// Bytes of the arena: RAM beyond the heap.
  func arenaSize() throws(WorkloadFailure) -> Int {
    let ram = try number("ram")
    guard ram > MemoryMap.arena else { throw .failed(Text.bytes("ram: the machine has none beyond the heap")) }
    return Int(ram - MemoryMap.arena)
  }

  /// `parts` pieces of the arena of `byteCount` bytes, each at a multiple of 2 MiB.
  func arena(parts: Int, of byteCount: Int) throws(WorkloadFailure) -> [DMAMemory] {
    let page = 2 << 20
    let stride = (byteCount + page - 1) / page * page
    guard stride <= (try arenaSize()) / parts else {
      throw .failed(Text.bytes("size: the machine's RAM is too small for it"))
    }
    return (0..<parts).map { DMAMemory(at: UInt(MemoryMap.arena) + UInt(stride * $0), count: byteCount) }
  }

  /// The parameter `size`, a working set in bytes.
  func workingSet() throws(WorkloadFailure) -> Int {
    let size = try number("size")
    guard size >= 8192, size <= 1 << 30 else { throw .failed(Text.bytes("size: expected 8 KiB to 1 GiB")) }
    return Int(size)
  }
}
