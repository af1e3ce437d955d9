/// JᵀJ x = Jᵀr, the equations of a linear least-squares problem of a few unknowns.
struct NormalEquations {
  private let matrix: [[Double]]
  private let right: [Double]

  /// The equations of `rows` · x ≈ `values`.
  init(_ rows: [[Double]], _ values: [Double]) {
    let unknowns = rows.first?.count ?? 0
    matrix = (0..<unknowns).map { i in
      (0..<unknowns).map { j in rows.reduce(0) { $0 + $1[i] * $1[j] } }
    }
    right = (0..<unknowns).map { i in zip(rows, values).reduce(0) { $0 + $1.0[i] * $1.1 } }
  }

  /// The solution with the diagonal raised by a factor of 1 + `damping` (Marquardt's); nil where it is degenerate.
  func solution(damping: Double = 0) -> [Double]? {
    let scales = matrix.indices.map { matrix[$0][$0].squareRoot() }
    guard scales.allSatisfy({ $0 > 0 && $0.isFinite }) else { return nil }
    let scaled = matrix.indices.map { i in
      matrix.indices.map { j in (i == j ? 1 + damping : 1) * matrix[i][j] / (scales[i] * scales[j]) }
    }
    return Self.eliminate(scaled, zip(right, scales).map { $0 / $1 }).map { zip($0, scales).map { $0 / $1 } }
  }

  /// The diagonal of the inverse of JᵀJ; nil where it is degenerate.
  func inverseDiagonal() -> [Double]? {
    var diagonal: [Double] = []
    for unknown in matrix.indices {
      let unit = matrix.indices.map { $0 == unknown ? 1.0 : 0 }
      guard let column = NormalEquations(matrix: matrix, right: unit).solution() else { return nil }
      diagonal.append(column[unknown])
    }
    return diagonal
  }

  private init(matrix: [[Double]], right: [Double]) {
    self.matrix = matrix
    self.right = right
  }

  /// Gauss's elimination with pivots.
  private static func eliminate(_ matrix: [[Double]], _ right: [Double]) -> [Double]? {
    var rows = zip(matrix, right).map { $0 + [$1] }
    for column in rows.indices {
      guard let pivot = (column..<rows.count).max(by: { abs(rows[$0][column]) < abs(rows[$1][column]) }),
        abs(rows[pivot][column]) > 1e-14
      else { return nil }
      rows.swapAt(column, pivot)
      for row in rows.indices where row != column {
        let factor = rows[row][column] / rows[column][column]
        for place in column...rows.count { rows[row][place] -= factor * rows[column][place] }
      }
    }
    return rows.indices.map { rows[$0][rows.count] / rows[$0][$0] }
  }
}
