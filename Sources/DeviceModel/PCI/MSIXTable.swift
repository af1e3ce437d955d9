import Synchronization

/// The MSI-X table and pending bits of a function, as a window in a memory base address (PCI Local Bus Specification 3.0, 6.8.2),
/// with the capability that announces them. The window is written by one vCPU at a time; interrupts come from any thread.
public final class MSIXTable: Device {
  /// Length of the window in bytes: the table, and the pending bits in its upper half.
  public static let windowByteCount: UInt32 = 0x1000
  /// The most vectors that the window holds.
  public static let maximumVectorCount = pendingOffset / entryByteCount

  private static let pendingOffset = 0x800
  private static let entryByteCount = 16
  private static let capabilityID: UInt8 = 0x11
  /// Message control, bits 15 (enable) and 14 (function mask).
  private static let enable: UInt16 = 1 << 15
  private static let functionMask: UInt16 = 1 << 14

  private struct Entry {
    var address: UInt64 = 0
    var data: UInt32 = 0
    var isMasked = true

    /// The 16 bytes as two halves of 64 bits.
    subscript(half: Int) -> UInt64 {
      get { half == 0 ? address : UInt64(data) | (isMasked ? 1 << 32 : 0) }
      set {
        if half == 0 {
          address = newValue & ~3
        } else {
          data = UInt32(truncatingIfNeeded: newValue)
          isMasked = newValue >> 32 & 1 != 0
        }
      }
    }
  }

  private var entries: [Entry]
  private let vectors: [MSIXVector]
  private let messages: any MessageInterrupts
  private let configuration: PCIConfiguration
  private let controlOffset: Int
  private let enabled = Atomic<Bool>(false)
  /// Called when the way of an interrupt may have changed, once it has: on the thread of the vCPU that did it.
  public var deliveryChanged: () -> Void = {}
  /// Enable and function mask as they were last acted upon.
  private var followedControl: UInt16 = 0

  /// Announces `vectorCount` vectors in `configuration`; the window lies `offset` bytes into base address `baseAddress`.
  public init(
    vectorCount: Int, messages: any MessageInterrupts, configuration: PCIConfiguration, baseAddress: Int,
    offset: UInt32 = 0
  ) {
    precondition((1...Self.maximumVectorCount).contains(vectorCount) && offset & 7 == 0, "the table fits its window")
    entries = [Entry](repeating: Entry(), count: vectorCount)
    vectors = (0..<vectorCount).map { MSIXVector(messages.edge(vector: $0)) }
    self.messages = messages
    self.configuration = configuration
    var body = [UInt8](repeating: 0, count: 10)
    let words = [offset | UInt32(baseAddress), offset + UInt32(Self.pendingOffset) | UInt32(baseAddress)]
    body[0] = UInt8(truncatingIfNeeded: vectorCount - 1)
    body[1] = UInt8((vectorCount - 1) >> 8)
    for (word, value) in words.enumerated() {
      for byte in 0..<4 { body[2 + 4 * word + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte)) }
    }
    controlOffset = configuration.addCapability(id: Self.capabilityID, body, writable: [0, 0xC0]) + 2
  }

  /// How many vectors there are.
  public var vectorCount: Int { entries.count }

  /// Whether the guest has switched MSI-X on, in place of INTx; from any thread.
  public var isEnabled: Bool { enabled.load(ordering: .acquiring) }

  /// The interrupt of `vector`: sent, kept pending while it is masked, or dropped while MSI-X is off.
  public func edge(vector: Int) -> any InterruptEdge { vectors[vector] }

  /// To be called when the configuration space has been written: follows the capability's message control.
  public func configurationWritten() {
    let now = control & (Self.enable | Self.functionMask)
    guard now != followedControl else { return }
    followedControl = now
    enabled.store(now & Self.enable != 0, ordering: .releasing)
    for index in entries.indices { update(index) }
    deliveryChanged()
  }

  /// Any width; outside table and pending bits zero.
  public func read(at offset: Int, width: AccessWidth) -> UInt64 {
    ByteLanes.read(at: offset, width: width) { place in
      UInt8(truncatingIfNeeded: word(at: place & ~7) >> UInt64(8 * (place & 7)))
    }
  }

  /// Aligned 32-bit and 64-bit writes to the table (6.8.2: all others are undefined, and ignored here).
  public func write(_ value: UInt64, at offset: Int, width: AccessWidth) {
    guard width == .long || width == .quad, offset >= 0, offset % width.rawValue == 0,
      entries.indices.contains(offset / Self.entryByteCount)
    else { return }
    let index = offset / Self.entryByteCount
    let half = offset / 8 % 2
    switch (width, offset % 8) {
    case (.quad, _): entries[index][half] = value
    case (_, 0): entries[index][half] = entries[index][half] & ~0xFFFF_FFFF | value & 0xFFFF_FFFF
    default: entries[index][half] = entries[index][half] & 0xFFFF_FFFF | value << 32
    }
    update(index)
    deliveryChanged()
  }

  private var control: UInt16 { UInt16(truncatingIfNeeded: configuration.read(at: controlOffset, width: .word)) }

  private func word(at offset: Int) -> UInt64 {
    guard (0..<Int(Self.windowByteCount)).contains(offset) else { return 0 }
    let index = offset / Self.entryByteCount
    if entries.indices.contains(index) { return entries[index][offset / 8 % 2] }
    var bits: UInt64 = 0
    guard offset >= Self.pendingOffset else { return 0 }
    let first = (offset - Self.pendingOffset) * 8
    for vector in vectors.indices where vector >= first && vector < first + 64 && vectors[vector].isPending {
      bits |= 1 << UInt64(vector - first)
    }
    return bits
  }

  /// Brings one vector's message and delivery in line with its entry and message control: first the message, then the door.
  private func update(_ index: Int) {
    let control = followedControl
    let entry = entries[index]
    let isMasked = entry.isMasked || control != Self.enable
    messages.configure(vector: index, address: entry.address, data: entry.data, isMasked: isMasked)
    vectors[index].set(control & Self.enable == 0 ? .off : isMasked ? .masked : .open)
  }
}

/// One vector's door. One atomic word, so that an interrupt that meets a change of the mask is either sent or kept, never lost.
private final class MSIXVector: InterruptEdge {
  enum Delivery: UInt8 {
    case open = 0
    case masked = 1
    case off = 2
  }
  private static let pending: UInt8 = 4

  private let state = Atomic<UInt8>(Delivery.off.rawValue)
  private let message: any InterruptEdge

  init(_ message: any InterruptEdge) { self.message = message }

  /// The message's own, while nothing need be kept or dropped.
  var eventDescriptor: Int32? {
    state.load(ordering: .acquiring) == Delivery.open.rawValue ? message.eventDescriptor : nil
  }

  var isPending: Bool { state.load(ordering: .acquiring) & Self.pending != 0 }

  func pulse() {
    var seen = state.load(ordering: .acquiring)
    while seen != Delivery.open.rawValue {
      if seen & Delivery.off.rawValue != 0 { return }
      let (done, now) = state.compareExchange(
        expected: seen, desired: seen | Self.pending, ordering: .acquiringAndReleasing)
      if done { return }
      seen = now
    }
    message.pulse()
  }

  /// Opening the door lets out what was kept; switching MSI-X off forgets it.
  func set(_ delivery: Delivery) {
    guard delivery == .masked else {
      let before = state.exchange(delivery.rawValue, ordering: .acquiringAndReleasing)
      if delivery == .open && before & Self.pending != 0 { message.pulse() }
      return
    }
    var seen = state.load(ordering: .acquiring)
    while true {
      let (done, now) = state.compareExchange(
        expected: seen, desired: Delivery.masked.rawValue | seen & Self.pending, ordering: .acquiringAndReleasing)
      if done { return }
      seen = now
    }
  }
}
