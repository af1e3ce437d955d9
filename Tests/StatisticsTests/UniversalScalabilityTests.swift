import Statistics
import Testing

struct UniversalScalabilityTests {
  private func observations(alpha: Double, beta: Double) -> [(n: Double, throughput: Double)] {
    (1...12).map { n in
      let n = Double(n)
      return (n, 500 * n / (1 + alpha * (n - 1) + beta * n * (n - 1)))
    }
  }

  @Test func theLawItselfIsFoundAgain() throws {
    let law = try #require(UniversalScalability(observations(alpha: 0.05, beta: 0.01)))
    #expect(abs(law.gamma.value - 500) < 1e-6)
    #expect(abs(law.alpha.value - 0.05) < 1e-9)
    #expect(abs(law.beta.value - 0.01) < 1e-9)
    #expect(abs(try #require(law.peak) - 95.squareRoot()) < 1e-6)
    #expect(abs(law.throughput(at: 1) - 500) < 1e-6)
  }

  @Test func perfectScalingHasNeitherContentionNorPeak() throws {
    let law = try #require(UniversalScalability((1...8).map { (n: Double($0), throughput: 200 * Double($0)) }))
    #expect(abs(law.alpha.value) < 1e-9)
    #expect(abs(law.beta.value) < 1e-9)
    #expect(abs(law.throughput(at: 16) - 3200) < 1e-6)
  }

  @Test func tooFewOrImpossibleObservationsHaveNoFit() {
    let good = observations(alpha: 0.1, beta: 0.01)
    #expect(UniversalScalability(Array(good.prefix(3))) == nil)
    #expect(UniversalScalability(Array(repeating: good[0], count: 5) + [good[1]]) == nil)
    #expect(UniversalScalability(good + [(n: 13, throughput: 0)]) == nil)
    #expect(UniversalScalability(good + [(n: 14, throughput: .infinity)]) == nil)
  }
}
