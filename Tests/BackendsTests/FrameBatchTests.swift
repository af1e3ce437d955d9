import Glibc
import GuestMemory
import Testing

@testable import Backends

/// Batches through a pair of datagram sockets, which keep frames apart and in order as a TAP does.
struct FrameBatchTests {
  /// Both ends, which do not block.
  private final class Ends {
    let device: Int32
    private var far: Int32

    init() throws {
      var ends: [Int32] = [0, 0]
      try #require(socketpair(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &ends) == 0)
      (device, far) = (ends[0], ends[1])
    }

    deinit {
      close(device)
      closeFar()
    }

    func closeFar() {
      if far >= 0 { close(far) }
      far = -1
    }

    /// The next frame without its header; nil where there is none.
    func next() -> [UInt8]? {
      var bytes = [UInt8](repeating: 0, count: 2048)
      let count = read(far, &bytes, bytes.count)
      return count < FrameHeader.size ? nil : Array(bytes[FrameHeader.size..<count])
    }
  }

  private struct NoRing: Error {}

  private func batch(for ends: Ends) throws -> FrameBatch {
    guard let batch = FrameBatch(ends.device) else { throw NoRing() }
    return batch
  }

  private func append(_ parts: [Buffer], to batch: inout FrameBatch) throws -> Bool {
    let ranges = try parts.map { HostRange(start: try #require($0.bytes.baseAddress), count: $0.bytes.count) }
    return batch.append(ranges.span, offload: FrameOffload())
  }

  @Test(arguments: [1, 2, FrameBatch.capacity])
  func framesArriveWholeAndInOrder(count: Int) throws {
    let ends = try Ends()
    var batch = try batch(for: ends)
    let frames = (0..<count).map { [Buffer(count: 14, fill: UInt8($0)), Buffer(count: 50 + $0, fill: 0xEE)] }
    for _ in 0..<2 {
      for frame in frames { #expect(try append(frame, to: &batch)) }
      #expect(batch.submit() == count)
      for frame in frames { #expect(ends.next() == frame.flatMap(\.array)) }
    }
    #expect(ends.next() == nil)
  }

  @Test func fullBatchAndFrameOfTooManyPartsAreRefused() throws {
    let ends = try Ends()
    var batch = try batch(for: ends)
    #expect(try !append((0..<40).map { _ in Buffer(count: 16) }, to: &batch))
    let frame = Buffer(count: 64)
    for _ in 0..<FrameBatch.capacity { #expect(try append([frame], to: &batch)) }
    #expect(try !append([frame], to: &batch))
    #expect(batch.count == FrameBatch.capacity)
  }

  @Test func framesThatTheDeviceRefusesAreNotCountedAsTaken() throws {
    let ends = try Ends()
    ends.closeFar()
    var batch = try batch(for: ends)
    let frame = Buffer(count: 64)
    for _ in 0..<3 { #expect(try append([frame], to: &batch)) }
    #expect(batch.submit() == 0)
    #expect(batch.count == 0)
  }
}
