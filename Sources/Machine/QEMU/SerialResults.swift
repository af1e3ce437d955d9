import PVWire

/// What a guest sends over its UART where there is no shared memory: records, and the lines of its log between them. Everything
/// in it is believed only after it was checked.
struct SerialResults {
  /// What a guest may send in all before it is taken for broken, as through the result ring.
  static let maximumBytes = Int(ResultRing.maximumBytes)
  /// The same of log lines.
  static let maximumLines = 10_000

  /// Every record so far.
  private(set) var records: [GuestRecord] = []
  /// Every line of the log so far.
  private(set) var log: [String] = []
  private var decoder = SerialDecoder()
  private var byteCount = 0

  /// Why the rest is not read.
  enum SerialError: Error, Equatable, CustomStringConvertible {
    case tooMuch
    case cutOff
    case wire(WireError)

    var description: String {
      switch self {
      case .tooMuch: "the guest's results over the UART are nonsense: they never end"
      case .cutOff: "the guest's results over the UART end inside a record"
      case .wire(let error): "the guest's results over the UART are nonsense: \(error)"
      }
    }
  }

  /// Takes what has come.
  mutating func take(_ bytes: [UInt8]) throws(SerialError) {
    byteCount += bytes.count
    guard byteCount <= Self.maximumBytes else { throw .tooMuch }
    let items: [SerialDecoder.Item]
    do throws(WireError) { items = try decoder.take(bytes) } catch { throw .wire(error) }
    for item in items {
      switch item {
      case .record(let record): records.append(record)
      case .line(let text): log.append(String(decoding: text, as: UTF8.self))
      }
    }
    guard records.count <= ResultRing.maximumRecords, log.count <= Self.maximumLines else { throw .tooMuch }
  }

  /// Nothing more comes.
  mutating func finish() throws(SerialError) {
    if let rest = decoder.finish() { log.append(String(decoding: rest, as: UTF8.self)) }
    guard !decoder.isInsideFrame else { throw .cutOff }
  }
}
