/// How much parts of a window differ from each other: the energy distances between all of its observations, summed so that a
/// sum over any rectangle of pairs takes four look-ups.
struct Divergence {
  private let count: Int
  /// Row i, column j: the sum of |x_k − x_l| over k < i and l < j.
  private let sums: [Double]

  init(_ values: [Double]) {
    count = values.count
    let width = values.count + 1
    var sums = [Double](repeating: 0, count: width * width)
    for i in values.indices {
      var row = 0.0
      for j in values.indices {
        row += abs(values[i] - values[j])
        sums[(i + 1) * width + j + 1] = sums[i * width + j + 1] + row
      }
    }
    self.sums = sums
  }

  /// Where `segment` divides best: the τ, and with it the κ, that maximize Q of start..<τ against τ..<κ (Matteson & James,
  /// 2014, with distances of power 1); nil for fewer than two observations.
  func split(_ segment: Range<Int>) -> (index: Int, q: Double)? {
    guard segment.count > 1 else { return nil }
    var best = (index: segment.lowerBound + 1, q: -Double.infinity)
    for tau in segment.lowerBound + 1..<segment.upperBound {
      let left = segment.lowerBound..<tau
      let withinLeft = meanDistance(left)
      for kappa in tau + 1...segment.upperBound {
        let right = tau..<kappa
        let (n, m) = (Double(left.count), Double(right.count))
        let between = sum(left, right) / (n * m)
        let q = n * m / (n + m) * (2 * between - withinLeft - meanDistance(right))
        if q > best.q { best = (tau, q) }
      }
    }
    return best
  }

  /// The mean of |x_i − x_k| over pairs of different observations; 0 without any.
  private func meanDistance(_ range: Range<Int>) -> Double {
    range.count < 2 ? 0 : sum(range, range) / Double(range.count * (range.count - 1))
  }

  private func sum(_ rows: Range<Int>, _ columns: Range<Int>) -> Double {
    let width = count + 1
    func corner(_ i: Int, _ j: Int) -> Double { sums[i * width + j] }
    return corner(rows.upperBound, columns.upperBound) - corner(rows.lowerBound, columns.upperBound)
      - corner(rows.upperBound, columns.lowerBound) + corner(rows.lowerBound, columns.lowerBound)
  }
}
