/// Where a serial port's output goes. It is called on the vCPU's thread, once a byte, and must neither allocate nor block.
public protocol SerialSink: AnyObject {
  /// Takes the next byte that the guest transmitted.
  func byte(_ value: UInt8)
}

/// Gathers serial output into lines in a preallocated buffer and hands over each one as a whole.
public final class SerialLineBuffer: SerialSink {
  private var line: [UInt8]
  private var count = 0
  private let onLine: (RawSpan) -> Void

  /// Lines of up to `capacity` bytes (at least one) go to `onLine`, without their newline. A longer line arrives in
  /// pieces. `onLine` runs on the vCPU's thread and must not transmit on the same port.
  public init(capacity: Int = 256, onLine: @escaping (RawSpan) -> Void) {
    line = [UInt8](repeating: 0, count: max(capacity, 1))
    self.onLine = onLine
  }

  /// Appends one byte; a newline or a full buffer hands the line over.
  public func byte(_ value: UInt8) {
    guard value != UInt8(ascii: "\n") else { return handOver() }
    line[count] = value
    count += 1
    if count == line.count { handOver() }
  }

  /// Hands over an unfinished line, if there is one: for the end of the guest.
  public func finish() {
    if count > 0 { handOver() }
  }

  private func handOver() {
    onLine(line.span.bytes.extracting(0..<count))
    count = 0
  }
}
