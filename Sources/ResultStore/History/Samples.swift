import Foundation

/// The observations of a cell in a run, as one BLOB: 64-bit little-endian doubles, metric after metric, each as many as
/// `layout` says (`latency.p50:10 throughput.ops:10`), and after them the medians.
enum Samples {
  static func layout(_ names: [String], _ observations: [IndexedRun.Observations]) -> String {
    zip(names, observations).map { "\($0):\($1.values.count)" }.joined(separator: " ")
  }

  static func bytes(_ observations: [IndexedRun.Observations]) -> Data {
    let doubles = observations.flatMap(\.values) + observations.map(\.median)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(8 * doubles.count)
    for value in doubles {
      for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> shift)) }
    }
    return Data(bytes)
  }

  /// Nil where layout and bytes contradict each other.
  static func observations(_ layout: String, _ bytes: Data) -> [String: IndexedRun.Observations]? {
    let columns = layout.split(separator: " ").compactMap { column -> (name: String, count: Int)? in
      guard let colon = column.lastIndex(of: ":"), let count = Int(column[column.index(after: colon)...]), count >= 0
      else { return nil }
      return (String(column[..<colon]), count)
    }
    let doubles = doubles(bytes)
    let total = columns.reduce(0) { $0 + $1.count }
    guard columns.count == layout.split(separator: " ").count, doubles.count == total + columns.count,
      bytes.count == 8 * doubles.count
    else { return nil }
    var start = 0
    return columns.enumerated().reduce(into: [:]) { result, column in
      let end = start + column.element.count
      result[column.element.name] = IndexedRun.Observations(
        values: Array(doubles[start..<end]), median: doubles[total + column.offset])
      start = end
    }
  }

  private static func doubles(_ bytes: Data) -> [Double] {
    let bytes = Array(bytes)
    return stride(from: 0, to: bytes.count - bytes.count % 8, by: 8).map { start in
      Double(bitPattern: (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[start + $1]) << UInt64(8 * $1) })
    }
  }
}
