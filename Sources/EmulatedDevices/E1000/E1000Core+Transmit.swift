import Backends
import GuestMemory

extension E1000Core {
  /// Transmits from the ring for one turn. True where there is more.
  func transmitTurn() -> Bool {
    guard registers.has(E1000TransmitControl.enable, in: .transmitControl), isBusMaster, !isTransmitStuck,
      var ring = E1000Ring(.transmitBaseLow, of: registers), ring.available > 0
    else { return false }
    let sentBefore = counters.sent
    var causes: UInt32 = 0
    var taken = 0
    while ring.available > 0, taken < Self.turnLength, counters.sent - sentBefore < Self.turnLength {
      taken += 1
      do throws(GuestMemoryError) {
        let place = ring.descriptor()
        let descriptor = try memory.read(E1000TransmitDescriptor.self, at: place)
        process(descriptor)
        if descriptor.wantsReport {
          try memory.storeRelease16(descriptor.reported, at: place + 12)
          causes |= E1000Cause.descriptorWrittenBack
        }
      } catch {
        isTransmitStuck = true
        break
      }
      registers[.transmitHead] = ring.advanced(by: 1)
      guard let next = E1000Ring(.transmitBaseLow, of: registers) else { break }
      ring = next
    }
    if ring.available == 0 { causes |= E1000Cause.transmitQueueEmpty }
    interrupts.raise(causes)
    return ring.available > 0 && !isTransmitStuck
  }

  private func process(_ descriptor: E1000TransmitDescriptor) {
    switch descriptor.kind {
    case .context: keepContext(E1000ChecksumContext(descriptor))
    case .legacy, .data:
      if !packet.isOpen { open(descriptor) }
      gather(descriptor)
      if descriptor.isEndOfPacket { close(descriptor) }
    case .reserved: break
    }
  }

  /// The chip keeps one context for segmentation and one for everything else.
  private func keepContext(_ context: E1000ChecksumContext) {
    if context.isSegmenting {
      segmentContext = context
      statistics.count(context.canSegment ? .segmentationContexts : .segmentationFailures)
    } else {
      plainContext = context
    }
  }

  private var context: E1000ChecksumContext { packet.isSegmented ? segmentContext : plainContext }

  /// The first descriptor of a packet says what is done to it.
  private func open(_ descriptor: E1000TransmitDescriptor) {
    packet = E1000Packet()
    packet.isOpen = true
    guard descriptor.kind == .data else { return }
    packet.isSegmented = descriptor.wantsSegmentation
    packet.insertsIPChecksum = descriptor.insertsIPChecksum
    packet.insertsTransportChecksum = descriptor.insertsTransportChecksum
    packet.isRefused = packet.isSegmented && !segmentContext.canSegment
    if packet.isSegmented { tag(descriptor) }
  }

  /// Copies a descriptor's buffer to the frame. Of a packet to be segmented, a full frame leaves as soon as there is more.
  private func gather(_ descriptor: E1000TransmitDescriptor) {
    let full =
      packet.isSegmented ? context.headerLength + context.segmentSize : E1000FrameBuffer.capacity - 64
    var address = GuestAddress(descriptor.address)
    var left = descriptor.length
    while left > 0, !packet.isRefused {
      if packet.size == full {
        guard packet.isSegmented else { return packet.isRefused = true }
        sendSegment(isLast: false)
        packet.size = context.headerLength
      }
      let count = min(left, full - packet.size)
      do throws(GuestMemoryError) {
        try outgoing.load(count, from: memory, at: address, to: packet.size)
      } catch {
        return packet.isRefused = true
      }
      packet.size += count
      address = address + UInt64(count)
      left -= count
    }
  }

  private func close(_ descriptor: E1000TransmitDescriptor) {
    if descriptor.kind == .legacy, descriptor.wantsLegacyChecksum {
      var place = E1000ChecksumPlace()
      (place.offset, place.start) = descriptor.legacyChecksum
      packet.legacyChecksum = place
    }
    tag(descriptor)
    let least = packet.isSegmented ? context.headerLength : 14
    if packet.isRefused || packet.size < least {
      counters.refused += 1
    } else if packet.isSegmented {
      sendSegment(isLast: true)
    } else {
      insertChecksums(size: packet.size)
      send(size: packet.size)
    }
    packet = E1000Packet()
  }

  private func tag(_ descriptor: E1000TransmitDescriptor) {
    if descriptor.wantsVLAN, registers.has(E1000Control.vlanMode, in: .control) { packet.tag = descriptor.special }
  }
}

// MARK: - Frames

extension E1000Core {
  /// Makes a frame of the header and what was gathered behind it (317453, 3.5).
  private func sendSegment(isLast: Bool) {
    let length = context.headerLength
    // The header as the driver wrote it is what every frame starts from.
    if packet.segments == 0 {
      header.copy(length, from: outgoing, at: 0, to: 0)
    } else {
      outgoing.copy(length, from: header, at: 0, to: 0)
    }
    patchHeader(isLast: isLast)
    insertChecksums(size: packet.size)
    send(size: packet.size)
    packet.segments += 1
  }

  /// Lengths, identification, sequence number and flags of one segment. All of it lies in the header: `canSegment`.
  private func patchHeader(isLast: Bool) {
    let size = packet.size
    let network = context.ip.start
    let transport = context.transport.start
    if context.isIPv4 {
      outgoing.setBig(UInt16(truncatingIfNeeded: size - network), at: network + 2)
      let identification = outgoing.big(UInt16.self, at: network + 4)
      outgoing.setBig(identification &+ UInt16(truncatingIfNeeded: packet.segments), at: network + 4)
    } else {
      outgoing.setBig(UInt16(truncatingIfNeeded: size - network - 40), at: network + 4)
    }
    if context.isTCP {
      let sequence = outgoing.big(UInt32.self, at: transport + 4)
      let sent = UInt32(truncatingIfNeeded: packet.segments * context.segmentSize)
      outgoing.setBig(sequence &+ sent, at: transport + 4)
      if !isLast { outgoing[transport + 13] &= ~0x09 }  // FIN and PSH belong to the last
    } else {
      outgoing.setBig(UInt16(truncatingIfNeeded: size - transport), at: transport + 4)
    }
    // The driver's pseudo-header sum leaves out the length, which differs.
    let place = context.transport.offset
    if packet.insertsTransportChecksum, place + 2 <= size {
      let sum = UInt32(outgoing.big(UInt16.self, at: place)) + UInt32(truncatingIfNeeded: size - transport)
      outgoing.setBig(UInt16(truncatingIfNeeded: (sum >> 16) + (sum & 0xFFFF)), at: place)
    }
  }

  private func insertChecksums(size: Int) {
    if packet.insertsTransportChecksum { insert(context.transport, size: size, isUDP: !context.isTCP) }
    if packet.insertsIPChecksum { insert(context.ip, size: size) }
    if let place = packet.legacyChecksum { insert(place, size: size) }
  }

  /// Sums what `place` covers and stores the complement. A place outside of the frame is left alone.
  private func insert(_ place: E1000ChecksumPlace, size: Int, isUDP: Bool = false) {
    let end = place.end == 0 ? size : min(place.end + 1, size)
    guard place.start < end, place.offset + 2 <= size else { return }
    let checksum = ~outgoing.sum(place.start..<end)
    // In UDP, 0 means that there is none (RFC 768).
    outgoing.setBig(isUDP && checksum == 0 ? 0xFFFF : checksum, at: place.offset)
  }

  /// Tags, pads and gives the frame to the port.
  private func send(size: Int) {
    var size = size
    if let tag = packet.tag {
      outgoing.move(size - 12, from: 12, to: 16)
      outgoing.setBig(UInt16(truncatingIfNeeded: registers[.vlanEtherType]), at: 12)
      outgoing.setBig(tag, at: 14)
      size += 4
    }
    if size < 60, registers.has(E1000TransmitControl.padShort, in: .transmitControl) {
      outgoing.clear(size..<60)
      size = 60
    }
    guard size <= port.maximumFrame else { return counters.refused += 1 }
    outgoingRange[0] = outgoing.range(count: size)
    port.send(outgoingRange.span, offload: FrameOffload())
    counters.sent += 1
    countTransmitted(octets: size + 4)
  }

  private func countTransmitted(octets: Int) {
    statistics.count(.goodTransmitted)
    statistics.count(.totalTransmitted)
    statistics.add(octets, to: .goodOctetsTransmitted)
    statistics.add(octets, to: .totalOctetsTransmitted)
    statistics.countSize(octets, from: .transmitted64)
    switch E1000Filter(destination: outgoing.destination).audience {
    case .unicast: break
    case .multicast: statistics.count(.multicastTransmitted)
    case .broadcast: statistics.count(.broadcastTransmitted)
    }
  }
}
