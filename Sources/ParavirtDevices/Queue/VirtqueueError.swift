import GuestMemory

/// What a driver did wrong with a queue. There is no way on from any of these but a reset (virtio 1.2, 2.1.2).
public enum VirtqueueError: Error, Equatable, CustomStringConvertible {
  /// The size is zero, no power of two, or more than the device offers.
  case badSize(UInt32, maximum: UInt16)
  /// Part of a ring or a buffer is outside guest RAM, or a ring is misaligned.
  case memory(GuestMemoryError)
  /// The available index ran further ahead than the queue is long.
  case indexJump(from: UInt16, to: UInt16)
  /// A chain starts at, or continues with, a descriptor that its table does not have.
  case descriptorOutOfRange(UInt16)
  /// The chain has more descriptors than the queue; a loop is one of them.
  case chainTooLong
  /// The descriptor has no bytes.
  case emptyDescriptor
  /// A device-readable descriptor follows a device-writable one.
  case readableAfterWritable
  /// An indirect table that was not negotiated, is nested, is followed by a descriptor, or has an impossible length.
  case badIndirectTable
  /// The chain has no room for the device's answer.
  case noRoomForAnswer
  /// The chain has a buffer that the device may write where it only reads, or the other way round.
  case wrongDirection
  /// The chain is too short for the header that every one of its queue has.
  case headerMissing

  /// What happened, in one line.
  public var description: String {
    switch self {
    case .badSize(let size, let maximum): "queue size \(size) is not a power of two up to \(maximum)"
    case .memory(let error): "\(error)"
    case .indexJump(let from, let to): "available index jumped from \(from) to \(to)"
    case .descriptorOutOfRange(let index): "descriptor \(index) does not exist"
    case .chainTooLong: "descriptor chain is longer than the queue"
    case .emptyDescriptor: "descriptor of length zero"
    case .readableAfterWritable: "readable descriptor after a writable one"
    case .badIndirectTable: "invalid indirect descriptor table"
    case .noRoomForAnswer: "descriptor chain without a writable byte for the answer"
    case .wrongDirection: "descriptor of the wrong direction for its queue"
    case .headerMissing: "descriptor chain without room for the header"
    }
  }
}
