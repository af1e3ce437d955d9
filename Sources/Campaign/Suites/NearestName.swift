/// Finds what somebody meant to type.
public enum NearestName {
  /// The candidate with the smallest edit distance to `name`, the first of equals; nil without candidates.
  public static func nearest(to name: String, in candidates: [String]) -> String? {
    candidates.min { distance(name, $0) < distance(name, $1) }
  }

  /// ` (did you mean 'x'?)`, or nothing without candidates.
  public static func hint(for name: String, in candidates: [String]) -> String {
    nearest(to: name, in: candidates).map { " (did you mean '\($0)'?)" } ?? ""
  }

  /// Levenshtein's distance: insertions, deletions and substitutions of one character each (V. I. Levenshtein, "Binary
  /// codes capable of correcting deletions, insertions, and reversals", 1966).
  static func distance(_ first: String, _ second: String) -> Int {
    let (a, b) = (Array(first), Array(second))
    var row = Array(0...b.count)
    for i in a.indices {
      var diagonal = row[0]
      row[0] = i + 1
      for j in b.indices {
        let substitution = diagonal + (a[i] == b[j] ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(substitution, row[j] + 1, row[j + 1] + 1)
      }
    }
    return row[b.count]
  }
}
