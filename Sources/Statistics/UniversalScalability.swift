/// Gunther's universal scalability law ("Guerrilla Capacity Planning", 2007, chapter 4): with N users or guests the throughput
/// is X(N) = γN / (1 + α(N − 1) + βN(N − 1)), where α is what they queue for and β what they agree about.
public struct UniversalScalability: Sendable, Equatable {
  /// Throughput of one alone, in the unit of the observations.
  public var gamma: Estimate
  /// Contention; 0 without any.
  public var alpha: Estimate
  /// Coherency; 0 without any.
  public var beta: Estimate

  /// The N of the highest throughput, √((1 − α) / β); nil where the law has no maximum.
  public var peak: Double? {
    beta.value > 0 && alpha.value < 1 ? ((1 - alpha.value) / beta.value).squareRoot() : nil
  }

  /// The throughput that the law gives at `n`.
  public func throughput(at n: Double) -> Double {
    gamma.value * n / (1 + alpha.value * (n - 1) + beta.value * n * (n - 1))
  }

  /// Fits the law to throughputs by non-linear least squares (Levenberg, 1944; Marquardt, 1963), with 95 % intervals by
  /// Student's t from the curvature at the minimum. Nil for fewer than four observations or three different N, for values that
  /// are not above zero, and where the fit does not converge. The parameters are not held above zero: one whose
  /// interval is wholly below it says that the law does not describe the data.
  public init?(_ observations: [(n: Double, throughput: Double)]) {
    guard observations.count > 3, Set(observations.map(\.n)).count > 2,
      observations.allSatisfy({ $0.n > 0 && $0.throughput > 0 && $0.n.isFinite && $0.throughput.isFinite }),
      let fit = ScalabilityFit(observations), let covariance = fit.covariance
    else { return nil }
    let quantile = StudentT.quantile(confidence: 0.95, degrees: Double(observations.count - 3))
    let estimates = zip(fit.parameters, covariance).map { value, variance in
      let half = quantile * variance.squareRoot()
      return Estimate(value: value, low: value - half, high: value + half)
    }
    (gamma, alpha, beta) = (estimates[0], estimates[1], estimates[2])
  }
}

/// The minimum of the sum of squares, found from the straight line that N / X(N) is in its parameters.
private struct ScalabilityFit {
  private let observations: [(n: Double, throughput: Double)]
  private(set) var parameters: [Double]

  init?(_ observations: [(n: Double, throughput: Double)]) {
    self.observations = observations
    // N / X = 1/γ + (α/γ)(N − 1) + (β/γ)N(N − 1)
    let rows = observations.map { [1, $0.n - 1, $0.n * ($0.n - 1)] }
    guard let line = NormalEquations(rows, observations.map { $0.n / $0.throughput }).solution(), line[0] > 0 else {
      return nil
    }
    parameters = [1 / line[0], line[1] / line[0], line[2] / line[0]]
    guard descend() else { return nil }
  }

  /// The variances of the parameters; nil where the curvature is degenerate.
  var covariance: [Double]? {
    let variance = squares(parameters) / Double(observations.count - 3)
    return equations(parameters).inverseDiagonal()?.map { $0 * variance }
  }

  /// Steps until they change nothing; false where they do not end.
  private mutating func descend() -> Bool {
    var damping = 1e-3
    var current = squares(parameters)
    for _ in 0..<500 {
      guard let step = equations(parameters).solution(damping: damping) else { return false }
      let next = zip(parameters, step).map { $0 + $1 }
      let found = squares(next)
      // Close to the minimum the sum of squares no longer tells steps apart, though they still lead there.
      if found <= current * (1 + 1e-12) {
        let isSmall = zip(step, parameters).allSatisfy { abs($0) <= 1e-13 * (abs($1) + 1e-6) }
        (parameters, current, damping) = (next, found, max(damping / 10, 1e-15))
        if isSmall { return true }
      } else {
        damping *= 10
      }
    }
    return false
  }

  private func residual(_ p: [Double], _ at: (n: Double, throughput: Double)) -> Double {
    at.throughput - p[0] * at.n / denominator(p, at.n)
  }

  private func denominator(_ p: [Double], _ n: Double) -> Double { 1 + p[1] * (n - 1) + p[2] * n * (n - 1) }

  private func squares(_ p: [Double]) -> Double {
    let sum = observations.reduce(0) { $0 + residual(p, $1) * residual(p, $1) }
    return sum.isFinite ? sum : .infinity
  }

  private func equations(_ p: [Double]) -> NormalEquations {
    let rows = observations.map { at -> [Double] in
      let below = denominator(p, at.n)
      let slope = -p[0] * at.n / (below * below)
      return [at.n / below, slope * (at.n - 1), slope * at.n * (at.n - 1)]
    }
    return NormalEquations(rows, observations.map { residual(p, $0) })
  }
}
