import DeviceModel

/// A device that notes every access and answers reads with numbers that count up.
final class RegisterFile: Device {
  struct Access: Equatable {
    var value: UInt64
    var offset: Int
    var width: AccessWidth
  }

  private(set) var reads: [Access] = []
  private(set) var writes: [Access] = []
  private var next: UInt64

  init(firstAnswer: UInt64 = 0) { next = firstAnswer }

  func read(at offset: Int, width: AccessWidth) -> UInt64 {
    defer { next += 1 }
    reads.append(Access(value: next, offset: offset, width: width))
    return next
  }

  func write(_ value: UInt64, at offset: Int, width: AccessWidth) {
    writes.append(Access(value: value, offset: offset, width: width))
  }
}
