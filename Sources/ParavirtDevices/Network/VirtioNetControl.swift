import GuestMemory

/// The commands of the control queue (virtio 1.2, 5.1.6.5). Whatever cannot be done is answered with an error; only a chain
/// without room for the answer breaks the queue.
struct VirtioNetControl {
  /// What a command asks of the card.
  enum Effect: Equatable {
    /// Nothing that would change anything here.
    case none
    /// VIRTIO_NET_CTRL_MAC_ADDR_SET.
    case address(UInt64)
    /// VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET.
    case queuePairs(Int)
    /// Refused.
    case refused
  }

  /// Most queue pairs that may be asked for.
  let queuePairs: Int
  let features: VirtioFeatures

  private struct Command: BitwiseCopyable {
    var group: UInt8 = 0
    var command: UInt8 = 0
  }

  /// Understands the command in `chain` and answers it.
  func answer(_ chain: inout DescriptorChain, memory: QueueMemory) throws(VirtqueueError) -> Effect {
    guard let answer = chain.takeLastWritable() else { throw .noRoomForAnswer }
    let effect = try understand(&chain, memory: memory)
    try memory.write(UInt8(effect == .refused ? 1 : 0), at: answer)
    return effect
  }

  private func understand(_ chain: inout DescriptorChain, memory: QueueMemory) throws(VirtqueueError) -> Effect {
    guard let command = try take(Command(), from: &chain, memory: memory) else { return .refused }
    switch (command.group, command.command) {
    case (0, 0...1) where features.contains(.netControlReceive):  // promiscuous, all multicast
      return try take(UInt8(0), from: &chain, memory: memory).map { _ in .none } ?? .refused
    case (1, 0) where features.contains(.netControlReceive):  // MAC_TABLE_SET: unicast, then multicast
      for _ in 0..<2 {
        guard let count = try take(UInt32(0), from: &chain, memory: memory),
          chain.readableBytes >= 6 * UInt64(count), try skip(6 * UInt64(count), of: &chain, memory: memory)
        else { return .refused }
      }
      return .none
    case (1, 1) where features.contains(.netControlAddress):  // MAC_ADDR_SET
      guard let low = try take(UInt32(0), from: &chain, memory: memory),
        let high = try take(UInt16(0), from: &chain, memory: memory)
      else { return .refused }
      return .address(UInt64(low) | UInt64(high) << 32)
    case (4, 0) where features.contains(.netMultiqueue):  // VQ_PAIRS_SET
      guard let count = try take(UInt16(0), from: &chain, memory: memory), (1...queuePairs).contains(Int(count)) else {
        return .refused
      }
      return .queuePairs(Int(count))
    default: return .refused
    }
  }

  private func take<Value: BitwiseCopyable>(
    _ empty: Value, from chain: inout DescriptorChain, memory: QueueMemory
  ) throws(VirtqueueError) -> Value? {
    var value = empty
    let isThere = try withUnsafeMutableBytes(of: &value) { (bytes) throws(VirtqueueError) in
      // SAFETY: any bytes make a valid value of a bitwise copyable type of integers.
      try chain.takeReadable(into: bytes, from: memory)
    }
    return isThere ? value : nil
  }

  /// Passes over `count` bytes; more than any table of addresses has are refused.
  private func skip(
    _ count: UInt64, of chain: inout DescriptorChain, memory: QueueMemory
  ) throws(VirtqueueError) -> Bool {
    guard count <= 6 * 256 else { return false }
    for _ in 0..<count { _ = try take(UInt8(0), from: &chain, memory: memory) }
    return true
  }
}
