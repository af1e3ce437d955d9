import Backends
import GuestMemory

/// A frame as it will be written to the driver's buffers.
struct E1000ReceivedFrame: Equatable {
  /// Bytes that may follow what the port gave: padding and FCS.
  static let trailer = 64

  /// Bytes, FCS included where it is not stripped.
  var length: Int
  /// Status and errors of the last descriptor; DD and EOP are added.
  var status: UInt16
  /// The packet checksum: the sum from RXCSUM.PCSS on.
  var checksum: UInt16
  /// The stripped VLAN tag.
  var special: UInt16
}

/// Status and error bits of a receive descriptor as one little-endian word (317453, 3.2.3).
private enum ReceiveStatus {
  static let done: UInt16 = 1 << 0
  static let endOfPacket: UInt16 = 1 << 1
  static let ignoreChecksum: UInt16 = 1 << 2
  static let vlan: UInt16 = 1 << 3
  static let transportChecked: UInt16 = 1 << 5
  static let ipChecked: UInt16 = 1 << 6
  static let passedInexact: UInt16 = 1 << 7
  static let transportError: UInt16 = 1 << 13
  static let ipError: UInt16 = 1 << 14
  static let dataError: UInt16 = 1 << 15
}

extension E1000Core {
  /// True where a frame could be received: switched on, and descriptors are there.
  var canReceive: Bool { receiveRing.map { $0.available > 0 } ?? false }

  private var receiveRing: E1000Ring? {
    guard registers.has(E1000ReceiveControl.enable, in: .receiveControl), isBusMaster, !isReceiveStuck else {
      return nil
    }
    return E1000Ring(.receiveBaseLow, of: registers)
  }

  /// Receives from the port for one turn. True where there is more. A frame for which there is no descriptor stays where it
  /// is: the port is the card's FIFO.
  func receiveTurn() -> Bool {
    var causes: UInt32 = 0
    defer { interrupts.raise(causes) }
    for _ in 0..<Self.turnLength {
      guard let ring = receiveRing else { return false }
      guard ring.available > 0 else {
        causes |= starve()
        return false
      }
      if held == nil { held = takeFrame() }
      guard let frame = held else {
        if port.hasInput { continue }
        return false
      }
      let needed = descriptors(of: frame)
      guard needed <= ring.available else {
        guard needed >= ring.count else {
          causes |= starve()
          return false
        }
        statistics.count(.missedPackets)
        counters.dropped += 1
        held = nil
        continue
      }
      held = nil
      causes |= store(frame, in: ring)
    }
    return canReceive && port.hasInput
  }

  /// True where all the descriptors that `frame` needs are there, or never will be.
  func hasRoom(for frame: E1000ReceivedFrame) -> Bool {
    guard let ring = receiveRing, ring.available > 0 else { return false }
    let needed = descriptors(of: frame)
    return needed <= ring.available || needed >= ring.count
  }

  private func descriptors(of frame: E1000ReceivedFrame) -> Int { (frame.length + bufferSize - 1) / bufferSize }

  private var bufferSize: Int { E1000ReceiveControl.bufferSize(registers[.receiveControl]) }

  /// The causes that a lack of descriptors has, once until the driver gives some back.
  private func starve() -> UInt32 {
    guard !isStarving, held != nil || port.hasInput else { return 0 }
    isStarving = true
    statistics.count(.noBuffers)
    return E1000Cause.receiverOverrun
  }

  /// Writes the frame to as many descriptors as it needs, all of which are there; returns the causes.
  private func store(_ frame: E1000ReceivedFrame, in ring: E1000Ring) -> UInt32 {
    var offset = 0
    var used = 0
    do throws(GuestMemoryError) {
      repeat {
        let place = ring.descriptor(used)
        let buffer = GuestAddress(try memory.read(UInt64.self, at: place))
        let count = min(bufferSize, frame.length - offset)
        var status = ReceiveStatus.done
        if offset + count == frame.length { status |= ReceiveStatus.endOfPacket | frame.status }
        // What the driver put there as an address is its own affair: it learns that the data is not there.
        do throws(GuestMemoryError) { try incoming.store(count, from: offset, to: memory, at: buffer) } catch {
          status |= ReceiveStatus.dataError
        }
        try memory.write(UInt32(count) | UInt32(frame.checksum) << 16, at: place + 8)
        try memory.write(frame.special, at: place + 14)
        try memory.storeRelease16(status, at: place + 12)
        offset += count
        used += 1
      } while offset < frame.length
    } catch {
      isReceiveStuck = true
      counters.dropped += 1
      statistics.count(.missedPackets)
      return 0
    }
    registers[.receiveHead] = ring.advanced(by: used)
    counters.received += 1
    let threshold = ring.count >> (Int(registers[.receiveControl] >> 8 & 3) + 1)
    return E1000Cause.received | (ring.available - used <= threshold ? E1000Cause.receiveThreshold : 0)
  }
}

// MARK: - Frames

extension E1000Core {
  /// The port's next frame, made ready in `incoming`; nil where there is none, or where it is not for us.
  private func takeFrame() -> E1000ReceivedFrame? {
    var offload = FrameOffload()
    guard let count = port.receive(into: incomingRange.span, offload: &offload) else { return nil }
    guard isAcceptable(count, offload) else { return nil }
    complete(offload, size: count)
    var size = max(count, 60)
    incoming.clear(count..<size)
    statistics.count(.totalReceived)
    statistics.add(size + 4, to: .totalOctetsReceived)

    let filter = E1000Filter(destination: incoming.destination)
    let tag = tagOfFrame()
    guard filter.accepts(registers), tag.map({ E1000Filter.accepts(tag: $0, registers) }) ?? true else {
      counters.filtered += 1
      return nil
    }
    countReceived(filter.audience, octets: size + 4)
    var frame = E1000ReceivedFrame(length: size, status: 0, checksum: 0, special: 0)
    if let tag, registers.has(E1000Control.vlanMode, in: .control) {
      incoming.move(size - 16, from: 16, to: 12)
      size -= 4
      frame.status |= ReceiveStatus.vlan
      frame.special = tag
    }
    if filter.audience == .multicast { frame.status |= ReceiveStatus.passedInexact }
    frame.status |= checksumStatus(size: size)
    if !registers.has(E1000ReceiveControl.stripCRC, in: .receiveControl) {
      incoming.setBig(incoming.frameCheckSequence(count: size).byteSwapped, at: size)
      size += 4
    }
    frame.length = size
    let start = min(Int(registers[.receiveChecksum] & 0xFF), size)
    frame.checksum = incoming.sum(start..<size)
    return frame
  }

  /// A frame that is still to be segmented is longer than any on a wire.
  private func isAcceptable(_ count: Int, _ offload: FrameOffload) -> Bool {
    if count < 14 {
      statistics.count(.undersize)
    } else if offload.segmentation != 0 {
      statistics.count(.oversize)
    } else if count > 1518, !registers.has(E1000ReceiveControl.longPackets, in: .receiveControl) {
      statistics.count(.oversize)
    } else {
      return true
    }
    counters.dropped += 1
    return false
  }

  /// Computes the checksum that the far side has left to us.
  private func complete(_ offload: FrameOffload, size: Int) {
    let start = Int(offload.checksumStart)
    let place = start + Int(offload.checksumOffset)
    guard offload.flags & 1 != 0, start < size, place + 2 <= size else { return }
    incoming.setBig(~incoming.sum(start..<size), at: place)
  }

  /// The frame's VLAN tag.
  private func tagOfFrame() -> UInt16? {
    guard UInt32(incoming.big(UInt16.self, at: 12)) == registers[.vlanEtherType] else { return nil }
    return incoming.big(UInt16.self, at: 14)
  }

  private func countReceived(_ audience: E1000Filter.Audience, octets: Int) {
    statistics.count(.goodReceived)
    statistics.add(octets, to: .goodOctetsReceived)
    statistics.countSize(octets, from: .received64)
    switch audience {
    case .unicast: break
    case .multicast: statistics.count(.multicastReceived)
    case .broadcast: statistics.count(.broadcastReceived)
    }
  }

  /// Checks IPv4, TCP and UDP checksums as RXCSUM asks (317453, 3.2.9); anything else is marked as not looked at.
  private func checksumStatus(size: Int) -> UInt16 {
    guard incoming.big(UInt16.self, at: 12) == 0x0800, size >= 34, incoming[14] >> 4 == 4 else {
      return ReceiveStatus.ignoreChecksum
    }
    let headerLength = Int(incoming[14] & 0xF) * 4
    let total = Int(incoming.big(UInt16.self, at: 16))
    guard headerLength >= 20, total >= headerLength, 14 + total <= size else { return ReceiveStatus.ignoreChecksum }
    var status: UInt16 = 0
    if registers.has(E1000ReceiveChecksum.ipOffload, in: .receiveChecksum) {
      status |= ReceiveStatus.ipChecked
      if incoming.sum(14..<(14 + headerLength)) != 0xFFFF { status |= ReceiveStatus.ipError }
    }
    if registers.has(E1000ReceiveChecksum.transportOffload, in: .receiveChecksum) {
      status |= transportStatus(start: 14 + headerLength, end: 14 + total)
    }
    return status == 0 ? ReceiveStatus.ignoreChecksum : status
  }

  private func transportStatus(start: Int, end: Int) -> UInt16 {
    let `protocol` = incoming[23]
    let isFragment = incoming.big(UInt16.self, at: 20) & 0x3FFF != 0
    let least = `protocol` == 6 ? 20 : 8
    guard `protocol` == 6 || `protocol` == 17, !isFragment, end - start >= least else { return 0 }
    // A datagram without a checksum (RFC 768).
    if `protocol` == 17, incoming.big(UInt16.self, at: start + 6) == 0 { return 0 }
    // The pseudo-header: both addresses, the protocol, the length.
    var sum =
      UInt32(incoming.sum(26..<34)) + UInt32(`protocol`) + UInt32(end - start) + UInt32(incoming.sum(start..<end))
    while sum >> 16 != 0 { sum = sum & 0xFFFF + sum >> 16 }
    return ReceiveStatus.transportChecked | (sum == 0xFFFF ? 0 : ReceiveStatus.transportError)
  }
}
