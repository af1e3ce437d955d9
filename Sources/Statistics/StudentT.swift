import Foundation

/// Student's t distribution ("The Probable Error of a Mean", 1908).
public enum StudentT {
  /// P(|T| ≥ |t|) with `degrees` of freedom: the regularized incomplete beta function I_x(ν/2, ½) at x = ν / (ν + t²)
  /// (Abramowitz & Stegun, "Handbook of Mathematical Functions", 26.7.1). NaN where `t` is or `degrees` is not above zero.
  public static func twoSidedP(_ t: Double, degrees: Double) -> Double {
    guard degrees > 0, !t.isNaN else { return .nan }
    let squared = t * t
    guard squared.isFinite else { return 0 }
    return incompleteBeta(a: degrees / 2, b: 0.5, x: degrees / (degrees + squared), y: squared / (degrees + squared))
  }

  /// The t that |T| stays below with probability `confidence`, which is in 0..<1; found by bisection.
  public static func quantile(confidence: Double, degrees: Double) -> Double {
    var (low, high) = (0.0, 1.0)
    while twoSidedP(high, degrees: degrees) > 1 - confidence { high *= 2 }
    while true {
      let middle = low / 2 + high / 2
      guard middle > low, middle < high else { return middle }
      if twoSidedP(middle, degrees: degrees) > 1 - confidence { low = middle } else { high = middle }
    }
  }

  /// I_x(a, b), with y = 1 − x given because the subtraction would lose it; by the continued fraction on the side where it
  /// converges quickly (Abramowitz & Stegun, 26.5.2 and 26.5.8).
  private static func incompleteBeta(a: Double, b: Double, x: Double, y: Double) -> Double {
    if x <= 0 { return 0 }
    if y <= 0 { return 1 }
    let logFront = lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(y)
    return x < (a + 1) / (a + b + 2)
      ? exp(logFront) * continuedFraction(a: a, b: b, x: x) / a
      : 1 - exp(logFront) * continuedFraction(a: b, b: a, x: y) / b
  }

  /// Lentz's method ("Generating Bessel Functions in Mie Scattering Calculations Using Continued Fractions", 1976).
  private static func continuedFraction(a: Double, b: Double, x: Double) -> Double {
    func awayFromZero(_ value: Double) -> Double { abs(value) < 1e-300 ? 1e-300 : value }
    var c = 1.0
    var d = 1 / awayFromZero(1 - (a + b) * x / (a + 1))
    var result = d
    for step in 1...10_000 {
      let m = Double(step)
      let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
      d = 1 / awayFromZero(1 + even * d)
      c = awayFromZero(1 + even / c)
      result *= d * c
      let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
      d = 1 / awayFromZero(1 + odd * d)
      c = awayFromZero(1 + odd / c)
      result *= d * c
      if abs(d * c - 1) < 1e-16 { break }
    }
    return result
  }

  private static func lgamma(_ value: Double) -> Double { Foundation.lgamma(value) }
}
