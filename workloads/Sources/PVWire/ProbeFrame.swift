/// The Ethernet frame that network workloads send: numbered, stamped and with a checksum, so that a frame that was lost,
/// changed, doubled or overtaken is seen. The same on both sides: a guest checks what a host's source sent, a host's sink
/// what a guest sent.
///
/// Bytes: destination (6), source (6), EtherType 0x88B5 (IEEE 802, local experimental), "PV", sequence number (8), stamp (8),
/// checksum (8), filler. The checksum covers everything from the sequence number on: addresses are swapped on the way.
public enum ProbeFrame {
  /// Shortest frame without FCS (IEEE 802.3).
  public static let minimumSize = 60
  /// A filled MTU of 1,500 bytes, without FCS.
  public static let fullSize = 1514
  /// Where the filler starts.
  public static let headerSize = 40
  /// Where the body starts, which is all that is checked.
  @usableFromInline static let bodyOffset = 16
  /// EtherType and mark as one little-endian word.
  private static let mark: UInt32 = 0x5650_B588

  /// What an intact frame says.
  public struct Content: Equatable, Sendable {
    /// Number of the frame in its stream, from 0.
    public let sequence: UInt64
    /// Whatever the sender put there; a guest's is its TSC at the intended start.
    public let stamp: UInt64

    /// Content; see the properties.
    public init(sequence: UInt64, stamp: UInt64) {
      self.sequence = sequence
      self.stamp = stamp
    }
  }

  /// Writes everything that stays the same from frame to frame: addresses, type and filler. Returns the filler's hash, which
  /// `seal` wants: a sender pays for its filler once, a receiver checks it every time.
  public static func prepare(
    _ frame: UnsafeMutableRawPointer, size: Int, destination: UInt64, source: UInt64
  ) -> UInt64 {
    putAddresses(frame, destination: destination, source: source)
    frame.storeBytes(of: mark, toByteOffset: 12, as: UInt32.self)
    return ProbeBody.prepare(frame + bodyOffset, count: max(size, headerSize) - bodyOffset)
  }

  /// Numbers and stamps a prepared frame.
  @inlinable public static func seal(_ frame: UnsafeMutableRawPointer, fillerHash: UInt64, content: Content) {
    ProbeBody.seal(frame + bodyOffset, fillerHash: fillerHash, content: content)
  }

  /// True where the frame's type says that it is one of these, intact or not.
  public static func isProbe(_ frame: UnsafeRawPointer, size: Int) -> Bool {
    size >= headerSize && frame.loadUnaligned(fromByteOffset: 12, as: UInt32.self) == mark
  }

  /// What the frame says; nil where it is not what a sender sealed. The bytes must not change meanwhile.
  public static func content(of frame: UnsafeRawPointer, size: Int) -> Content? {
    isProbe(frame, size: size) ? ProbeBody.content(of: frame + bodyOffset, count: size - bodyOffset) : nil
  }

  /// Destination and source, first byte lowest.
  static func putAddresses(_ frame: UnsafeMutableRawPointer, destination: UInt64, source: UInt64) {
    for index in 0..<6 {
      frame.storeBytes(
        of: UInt8(truncatingIfNeeded: destination >> UInt64(8 * index)), toByteOffset: index, as: UInt8.self)
      frame.storeBytes(
        of: UInt8(truncatingIfNeeded: source >> UInt64(8 * index)), toByteOffset: 6 + index, as: UInt8.self)
    }
  }
}

/// What is numbered, stamped and checked in a probe, whatever is around it: sequence number (8), stamp (8), checksum (8),
/// filler.
public enum ProbeBody {
  /// Shortest body in bytes: one without filler.
  public static let minimumSize = 24

  /// Writes the filler of a body of `count` bytes, and returns its hash.
  public static func prepare(_ body: UnsafeMutableRawPointer, count: Int) -> UInt64 {
    for index in minimumSize..<max(count, minimumSize) {
      let value = SectorPattern.mix(UInt64(index / 8)) >> UInt64(8 * (index % 8))
      body.storeBytes(of: UInt8(truncatingIfNeeded: value), toByteOffset: index, as: UInt8.self)
    }
    return fillerHash(body, count: count)
  }

  /// Numbers and stamps a prepared body.
  @inlinable public static func seal(
    _ body: UnsafeMutableRawPointer, fillerHash: UInt64, content: ProbeFrame.Content
  ) {
    body.storeBytes(of: content.sequence, toByteOffset: 0, as: UInt64.self)
    body.storeBytes(of: content.stamp, toByteOffset: 8, as: UInt64.self)
    body.storeBytes(of: checksum(content, fillerHash: fillerHash), toByteOffset: 16, as: UInt64.self)
  }

  /// What a body of `count` bytes says; nil where it is not what a sender sealed.
  public static func content(of body: UnsafeRawPointer, count: Int) -> ProbeFrame.Content? {
    guard count >= minimumSize else { return nil }
    let content = ProbeFrame.Content(
      sequence: body.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
      stamp: body.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    let found = body.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
    return found == checksum(content, fillerHash: fillerHash(body, count: count)) ? content : nil
  }

  @inlinable static func checksum(_ content: ProbeFrame.Content, fillerHash: UInt64) -> UInt64 {
    SectorPattern.mix(fillerHash ^ SectorPattern.mix(content.sequence &+ 1) ^ SectorPattern.mix(~content.stamp))
  }

  /// A hash of the bytes from the filler on and of their number; words are multiplied in turn, so that their order counts.
  private static func fillerHash(_ body: UnsafeRawPointer, count: Int) -> UInt64 {
    var hash = UInt64(truncatingIfNeeded: count)
    var offset = minimumSize
    while offset + 8 <= count {
      hash = (hash ^ body.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) &* 0x9E37_79B9_7F4A_7C15
      hash ^= hash >> 32
      offset += 8
    }
    while offset < count {
      hash = (hash ^ UInt64(body.loadUnaligned(fromByteOffset: offset, as: UInt8.self))) &* 0x9E37_79B9_7F4A_7C15
      offset += 1
    }
    return hash
  }
}

/// What became of a stream of numbered frames, by what its receiver has seen. Allocates only when it is made.
public struct FrameLedger {
  /// Intact frames, each counted once.
  public private(set) var received: UInt64 = 0
  /// Numbers that were passed over and have not come since.
  public private(set) var lost: UInt64 = 0
  /// Intact frames that came behind one with a higher number.
  public private(set) var reordered: UInt64 = 0
  /// Intact frames that had come before (or so late that nobody remembers).
  public private(set) var duplicated: UInt64 = 0
  /// Frames that were changed on the way.
  public private(set) var corrupted: UInt64 = 0
  /// The number that comes next if nothing goes wrong.
  public private(set) var next: UInt64
  /// One bit for each of the last numbers before `next`.
  private var seen: [UInt64]

  /// How far back a number is remembered.
  public static let memory: UInt64 = 4096

  /// A ledger for a stream whose first number is `first`.
  public init(first: UInt64 = 0) {
    next = first
    // What came before the stream counts as seen: it can only be a repetition.
    seen = [UInt64](repeating: .max, count: Int(Self.memory / 64))
  }

  /// Enters a frame that arrived; nil stands for a damaged one.
  public mutating func enter(_ content: ProbeFrame.Content?) {
    guard let content else { return corrupted += 1 }
    let number = content.sequence
    if number == next {
      mark(number)
      next &+= 1
      received += 1
    } else if number > next {
      // A number from a sender that leaps may be anything: only what can still be remembered is walked through.
      for skipped in max(next, number - min(number, Self.memory))..<number { clear(skipped) }
      lost &+= number - next
      mark(number)
      next = number &+ 1
      received += 1
    } else if next - number <= Self.memory, !isMarked(number) {
      mark(number)
      received += 1
      reordered += 1
      lost &-= 1
    } else {
      duplicated += 1
    }
  }

  /// The stream has ended and `sent` frames were sent: what is missing at its end is lost too.
  public mutating func close(sent: UInt64) {
    if sent > next {
      lost &+= sent - next
      next = sent
    }
  }

  private func place(_ number: UInt64) -> (word: Int, bit: UInt64) {
    (Int(number % Self.memory / 64), 1 << (number % 64))
  }

  private mutating func mark(_ number: UInt64) { seen[place(number).word] |= place(number).bit }
  private mutating func clear(_ number: UInt64) { seen[place(number).word] &= ~place(number).bit }
  private func isMarked(_ number: UInt64) -> Bool { seen[place(number).word] & place(number).bit != 0 }
}
