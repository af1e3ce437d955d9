import Measurement
import Statistics
import Testing

struct ShareTests {
  /// Limits as scipy.stats.binomtest(k, n).proportion_ci() gives them.
  @Test(arguments: [
    (0, 200, 0, 0.018275), (1, 200, 0.000127, 0.027542), (5, 200, 0.008166, 0.057374), (200, 200, 0.981725, 1),
    (190, 200, 0.909972, 0.975766), (10, 20, 0.271958, 0.728042),
  ]) func limitsAreThoseOfClopperAndPearson(count: Int, comparisons: Int, low: Double, high: Double) {
    let share = ShareRecord(count, of: comparisons)
    #expect(abs(share.low - low) < 1e-6)
    #expect(abs(share.high - high) < 1e-6)
  }

  @Test func ofNothingNothingIsKnown() {
    let share = ShareRecord(0, of: 0)
    #expect(share.value == nil)
    #expect(share.low == 0)
    #expect(share.high == 1)
  }
}
