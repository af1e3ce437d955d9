/// Holm's correction for several tests ("A Simple Sequentially Rejective Multiple Test Procedure", 1979).
public enum Holm {
  /// The adjusted p of each test, in the order given: at most `alpha` exactly where the procedure rejects at `alpha`.
  public static func adjusted(_ p: [Double]) -> [Double] {
    var adjusted = [Double](repeating: 1, count: p.count)
    var floor = 0.0
    for (position, index) in p.indices.sorted(by: { p[$0] < p[$1] }).enumerated() {
      floor = max(floor, min(1, p[index] * Double(p.count - position)))
      adjusted[index] = floor
    }
    return adjusted
  }
}
