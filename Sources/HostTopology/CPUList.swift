/// Lists of CPUs as the kernel prints them: `0-3,8,10-11`.
enum CPUList {
  /// The numbers in `text`, ascending; what is not a list of ranges is left out.
  static func parse(_ text: String?) -> [Int] {
    var numbers: Set<Int> = []
    for part in (text ?? "").split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
      let bounds = part.split(separator: "-", maxSplits: 1).map { Int($0) }
      guard let first = bounds.first, let low = first, let last = bounds.last, let high = last else { continue }
      guard low >= 0, low <= high, high < 1 << 16 else { continue }
      numbers.formUnion(low...high)
    }
    return numbers.sorted()
  }
}
