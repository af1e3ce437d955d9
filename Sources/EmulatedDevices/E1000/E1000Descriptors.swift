import GuestMemory

/// A transmit descriptor as it lies in memory: legacy (317453, 3.3.3), data or context (3.3.6, 3.3.7).
struct E1000TransmitDescriptor: BitwiseCopyable {
  let address: UInt64
  let lower: UInt32
  let upper: UInt32

  /// DCMD and TUCMD share most bits.
  private enum Command {
    static let endOfPacket: UInt32 = 1 << 24
    static let insertChecksum: UInt32 = 1 << 26
    static let segment: UInt32 = 1 << 26
    static let reportStatus: UInt32 = 1 << 27
    static let extended: UInt32 = 1 << 29
    static let vlan: UInt32 = 1 << 30
  }

  enum Kind {
    case legacy
    case context
    case data
    case reserved
  }

  var kind: Kind {
    guard lower & Command.extended != 0 else { return .legacy }
    switch lower >> 20 & 0xF {
    case 0: return .context
    case 1: return .data
    default: return .reserved
    }
  }
  var isEndOfPacket: Bool { lower & Command.endOfPacket != 0 }
  var wantsReport: Bool { lower & Command.reportStatus != 0 }
  var wantsVLAN: Bool { lower & Command.vlan != 0 }
  var wantsSegmentation: Bool { lower & Command.segment != 0 }
  var wantsLegacyChecksum: Bool { lower & Command.insertChecksum != 0 }
  /// Bytes in the buffer: 16 bits of length in a legacy descriptor, 20 in a data descriptor.
  var length: Int { Int(lower & (kind == .legacy ? 0xFFFF : 0xF_FFFF)) }
  /// A legacy descriptor's CSO and CSS.
  var legacyChecksum: (offset: Int, start: Int) { (Int(lower >> 16 & 0xFF), Int(upper >> 8 & 0xFF)) }
  /// A data descriptor's POPTS: IXSM and TXSM.
  var insertsIPChecksum: Bool { upper & 1 << 8 != 0 }
  var insertsTransportChecksum: Bool { upper & 1 << 9 != 0 }
  /// The VLAN tag.
  var special: UInt16 { UInt16(upper >> 16) }
  /// The byte of the status field and the one above it, with DD set.
  var reported: UInt16 { UInt16(truncatingIfNeeded: upper | 1) }
}

/// Where a checksum starts, goes and ends, in bytes from the start of the frame.
struct E1000ChecksumPlace: Equatable {
  var start = 0
  var offset = 0
  /// The last byte that is covered; 0 for the frame's.
  var end = 0

  init() {}

  /// The word of a context descriptor: CSS, CSO, CSE.
  init(_ word: UInt32) {
    start = Int(word & 0xFF)
    offset = Int(word >> 8 & 0xFF)
    end = Int(word >> 16)
  }
}

/// What a context descriptor says (317453, 3.3.6).
struct E1000ChecksumContext: Equatable {
  var ip = E1000ChecksumPlace()
  var transport = E1000ChecksumPlace()
  var isTCP = false
  var isIPv4 = false
  var isSegmenting = false
  var headerLength = 0
  var segmentSize = 0

  init() {}

  init(_ descriptor: E1000TransmitDescriptor) {
    ip = E1000ChecksumPlace(UInt32(truncatingIfNeeded: descriptor.address))
    transport = E1000ChecksumPlace(UInt32(truncatingIfNeeded: descriptor.address >> 32))
    isTCP = descriptor.lower & 1 << 24 != 0
    isIPv4 = descriptor.lower & 1 << 25 != 0
    isSegmenting = descriptor.wantsSegmentation
    headerLength = Int(descriptor.upper >> 8 & 0xFF)
    segmentSize = Int(descriptor.upper >> 16)
  }

  /// Least payload of a segment: a packet of 1 MiB must not become a million frames. No driver has less than 48
  /// (Linux, TCP_MIN_SND_MSS).
  static let leastSegment = 32

  /// True where packets can be segmented so: the fields that segmentation changes lie in the header, the transport's above
  /// the network's, and a segment fits the buffer.
  var canSegment: Bool {
    segmentSize >= Self.leastSegment && headerLength + segmentSize <= E1000FrameBuffer.capacity - 64
      && ip.start >= 14 && transport.start >= ip.start + (isIPv4 ? 20 : 40)
      && transport.start + (isTCP ? 20 : 8) <= headerLength
  }
}

/// A packet that is being gathered from its descriptors.
struct E1000Packet: Equatable {
  /// Bytes of the current frame so far.
  var size = 0
  /// It has begun: its first descriptor has said what follows.
  var isOpen = false
  /// Its frames do not exist; the rest of it is skipped.
  var isRefused = false
  var isSegmented = false
  /// Frames of it that were sent.
  var segments = 0
  var insertsIPChecksum = false
  var insertsTransportChecksum = false
  /// A legacy descriptor's checksum.
  var legacyChecksum: E1000ChecksumPlace?
  var tag: UInt16?
}
