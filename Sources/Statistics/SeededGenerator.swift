/// splitmix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014): every resampling in this
/// module draws from it, so that the same seed and data give the same answer everywhere.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// A sequence that depends on `seed` only.
  public init(seed: UInt64) { state = seed }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// How a permutation test resamples where enumeration would take too long.
public struct Resampling: Sendable, Equatable {
  /// Resamples; 9,999 by default, so that the smallest p is 0.0001.
  public var count: Int
  /// Seed of the draws.
  public var seed: UInt64

  /// A plan; see the properties.
  public init(count: Int = 9_999, seed: UInt64 = 1) {
    self.count = count
    self.seed = seed
  }

  /// At least 20·m/α resamples for `tests` tests under Holm at `alpha`, and never fewer than 9,999 (methodology, section 4).
  public static func enough(forTests tests: Int, alpha: Double, seed: UInt64 = 1) -> Resampling {
    Resampling(count: max(9_999, Int((20 * Double(tests) / alpha).rounded(.up)) - 1), seed: seed)
  }

  /// (k + 1) / (B + 1): the observed arrangement is one of them, so p is never zero (Phipson & Smyth, "Permutation
  /// P-values Should Never Be Zero", 2010).
  func pValue(extremes: Int) -> Double { Double(extremes + 1) / Double(count + 1) }
}
