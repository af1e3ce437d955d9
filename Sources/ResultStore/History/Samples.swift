import Foundation

/// Observations as BLOBs of 64-bit little-endian doubles. Of a cell in a run: metric after metric, each as many as its layout
/// says (`latency.p50:10 throughput.ops:10`), and after them the medians. Of a night: the medians alone.
enum Samples {
  static func layout(_ names: [String], _ observations: [IndexedRun.Observations]) -> String {
    zip(names, observations).map { "\($0):\($1.values.count)" }.joined(separator: " ")
  }

  static func bytes(_ observations: [IndexedRun.Observations]) -> Data {
    bytes(of: observations.flatMap(\.values) + observations.map(\.median))
  }

  static func bytes(of doubles: [Double]) -> Data {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(8 * doubles.count)
    for value in doubles {
      for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> shift)) }
    }
    return Data(bytes)
  }

  static func doubles(of bytes: Data) -> [Double] {
    let bytes = Array(bytes)
    return stride(from: 0, to: bytes.count - bytes.count % 8, by: 8).map { start in
      var pattern: UInt64 = 0
      for offset in 0..<8 { pattern |= UInt64(bytes[start + offset]) << UInt64(8 * offset) }
      return Double(bitPattern: pattern)
    }
  }

  /// A layout's metrics, in order; nil where it is none.
  static func columns(_ layout: String) -> [(name: String, count: Int)]? {
    let parts = layout.split(separator: " ")
    let columns = parts.compactMap { column -> (name: String, count: Int)? in
      guard let colon = column.lastIndex(of: ":"), let count = Int(column[column.index(after: colon)...]), count >= 0
      else { return nil }
      return (String(column[..<colon]), count)
    }
    return columns.count == parts.count ? columns : nil
  }

  /// Nil where layout and bytes contradict each other.
  static func observations(_ layout: String, _ bytes: Data) -> [String: IndexedRun.Observations]? {
    let doubles = doubles(of: bytes)
    guard let columns = columns(layout) else { return nil }
    let total = columns.reduce(0) { $0 + $1.count }
    guard doubles.count == total + columns.count, bytes.count == 8 * doubles.count else { return nil }
    var start = 0
    return columns.enumerated().reduce(into: [:]) { result, column in
      let end = start + column.element.count
      result[column.element.name] = IndexedRun.Observations(
        values: Array(doubles[start..<end]), median: doubles[total + column.offset])
      start = end
    }
  }
}
