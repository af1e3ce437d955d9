import Measurement
import Statistics
import Testing

struct ShiftFunctionTests {
  /// Eight boots of 1…100, each a little later than the one before, with `tail` added to the highest 15.
  private func boots(tail: UInt64) -> [Histogram] {
    (0..<8).map { boot in
      var histogram = Histogram()
      for value in UInt64(1)...100 { histogram.record(value + UInt64(boot) + (value > 85 ? tail : 0)) }
      return histogram
    }
  }

  @Test func aShiftOfTheTailAloneIsSeenThereOnly() throws {
    let points = ShiftFunction.points(boots(tail: 0), boots(tail: 50))
    #expect(points.map(\.quantile) == ShiftFunction.deciles)
    #expect(points.map(\.shift.value) == [0, 0, 0, 0, 0, 0, 0, 0, 50])
    #expect(try #require(points.last?.shift.low) > 0)
    #expect(try #require(points.first?.shift.low) <= 0)
  }

  @Test func oneBootHasNoInterval() {
    let points = ShiftFunction.points([boots(tail: 0)[0]], [boots(tail: 9)[0]], quantiles: [0.95])
    #expect(points.map(\.a) == [95])
    #expect(points.map(\.b) == [104])
    #expect(points.map(\.shift) == [Estimate(value: 9, low: nil, high: nil)])
  }

  @Test func aSideWithoutSamplesHasNoPoints() {
    #expect(ShiftFunction.points([], boots(tail: 0)) == [])
    #expect(ShiftFunction.points(boots(tail: 0), [Histogram(), Histogram()]) == [])
  }
}
