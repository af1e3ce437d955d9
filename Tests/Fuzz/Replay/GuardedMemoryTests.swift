import Glibc
import Testing

@Suite struct GuardedMemoryTests {
  /// The bytes that a system call could take from `address`: 1, or -1 where the process has no access.
  private func taken(from address: UnsafeMutableRawPointer) -> Int {
    var ends: [Int32] = [0, 0]
    pipe(&ends)
    defer { for end in ends { close(end) } }
    return write(ends[1], address, 1)
  }

  @Test func guestMemoryLiesBetweenGuards() throws {
    let memory = try GuardedMemory()
    let (start, count) = (memory.guest.slot.start, memory.guest.slot.count)
    #expect(count == memory.byteCount)
    #expect([start, start + count - 1].map(taken) == [1, 1])
    #expect([start - 1, start - 4096, start + count, start + count + 65_536].map(taken) == [-1, -1, -1, -1])
  }
}
