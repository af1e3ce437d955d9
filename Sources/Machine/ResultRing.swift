import GuestMemory
import PVWire

/// The host's end of the result ring. Everything in it was written by the guest and is believed only after it was checked.
struct ResultRing {
  private let memory: GuestMemory
  private let base: GuestAddress
  private let capacity: UInt64
  private var tail: UInt64 = 0
  private var stream: [UInt8] = []
  /// Every record so far.
  private(set) var records: [GuestRecord] = []

  /// What a guest may send in all before it is taken for broken.
  static let maximumRecords = 100_000
  /// The same in bytes: the records are kept until the guest's end.
  static let maximumBytes: UInt64 = 64 << 20

  /// Why the ring cannot be read on.
  enum RingError: Error, Equatable, CustomStringConvertible {
    case impossibleHead(UInt64)
    case tooMuch
    case wire(WireError)
    case memory(GuestMemoryError)

    var description: String {
      switch self {
      case .impossibleHead(let head): "the guest's result ring is nonsense: head \(head) does not fit the ring"
      case .tooMuch: "the guest's result ring is nonsense: it never ends"
      case .wire(let error): "the guest's result ring is nonsense: \(error)"
      case .memory(let error): "the guest's result ring is nonsense: \(error)"
      }
    }
  }

  init(memory: GuestMemory, base: GuestAddress, size: UInt64) {
    self.memory = memory
    self.base = base
    capacity = size - RingHeader.dataOffset
  }

  /// Takes everything that the guest has written since the last call and makes room for more.
  mutating func drain() throws(RingError) {
    let head = try fetch { () throws(GuestMemoryError) in
      try memory.read(UInt64.self, at: base + RingHeader.headOffset)
    }
    guard head >= tail, head - tail <= capacity else { throw .impossibleHead(head) }
    guard head <= Self.maximumBytes else { throw .tooMuch }
    while tail < head {
      let offset = tail % capacity
      let count = min(head - tail, capacity - offset)
      stream += try fetch { () throws(GuestMemoryError) in
        try memory.bytes(at: base + (RingHeader.dataOffset + offset), count: Int(count))
      }
      tail += count
    }
    try fetch { () throws(GuestMemoryError) in try memory.write(tail, at: base + RingHeader.tailOffset) }
    do throws(WireError) { records += try RecordFrame.decode(&stream) } catch { throw .wire(error) }
    guard records.count <= Self.maximumRecords else { throw .tooMuch }
  }

  private func fetch<Value>(_ body: () throws(GuestMemoryError) -> Value) throws(RingError) -> Value {
    do { return try body() } catch { throw .memory(error) }
  }
}
