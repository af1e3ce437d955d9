import Glibc

/// Writes a file of the trace event format, which chrome://tracing and Perfetto open (Google, "Trace Event Format", complete and
/// metadata events): a piece at a time, for a time line is larger than the runner.
struct TraceEventWriter: ~Copyable {
  /// Why a file could not be written.
  struct WriteError: Error, CustomStringConvertible {
    let path: String
    let errno: Int32

    var description: String { "cannot write \(path): \(String(cString: strerror(errno)).lowercased())" }
  }

  /// Who a span belongs to: a track of the viewer.
  struct Track {
    let process: Int
    let thread: Int
  }

  private static let pieceSize = 64 << 10
  private let path: String
  private let descriptor: Int32
  private var bytes: [UInt8] = []
  private var isFirst = true

  init(path: String) throws(WriteError) {
    self.path = path
    descriptor = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw WriteError(path: path, errno: errno) }
    bytes.reserveCapacity(2 * Self.pieceSize)
    put("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n")
  }

  deinit { close(descriptor) }

  /// Names a process (`thread` 0), or one of its threads.
  mutating func name(_ track: Track, _ name: String) throws(WriteError) {
    let kind = track.thread == 0 ? "process_name" : "thread_name"
    try add(
      "{\"ph\":\"M\",\"name\":\"\(kind)\",\"pid\":\(track.process),\"tid\":\(track.thread),\"args\":{\"name\":\"\(name)\"}}"
    )
  }

  /// A span from one nanosecond to another; names hold no character that JSON would escape.
  mutating func span(
    _ track: Track, _ name: String, from: UInt64, to: UInt64, place: String? = nil
  ) throws(WriteError) {
    let arguments = place.map { ",\"args\":{\"place\":\"\($0)\"}" } ?? ""
    try add(
      "{\"ph\":\"X\",\"name\":\"\(name)\",\"pid\":\(track.process),\"tid\":\(track.thread),\"ts\":\(Self.microseconds(from)),"
        + "\"dur\":\(Self.microseconds(to - from))\(arguments)}")
  }

  /// Ends the file with `facts` about it, and has it on the disk.
  mutating func finish(_ facts: [(name: String, value: String)]) throws(WriteError) {
    put("\n],\"otherData\":{")
    put(facts.map { "\"\($0.name)\":\($0.value)" }.joined(separator: ","))
    put("}}\n")
    try flush()
    guard fsync(descriptor) == 0 else { throw WriteError(path: path, errno: errno) }
  }

  private mutating func add(_ event: String) throws(WriteError) {
    if !isFirst { put(",\n") }
    isFirst = false
    put(event)
    if bytes.count >= Self.pieceSize { try flush() }
  }

  private mutating func put(_ text: String) { bytes += text.utf8 }

  private mutating func flush() throws(WriteError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      guard count > 0 || errno == EINTR else { throw WriteError(path: path, errno: errno) }
      rest = rest.dropFirst(max(count, 0))
    }
    bytes.removeAll(keepingCapacity: true)
  }

  /// Nanoseconds as the format's microseconds, exactly.
  static func microseconds(_ nanoseconds: UInt64) -> String {
    let rest = String(nanoseconds % 1000)
    return "\(nanoseconds / 1000).\(String(repeating: "0", count: 3 - rest.count))\(rest)"
  }
}
