import Measurement
import PVWire
import Testing

struct HistogramTests {
  @Test func emptyHistogramHasNoStatistics() {
    let histogram = Histogram()
    #expect(histogram.count == 0)
    #expect(histogram.mean == nil)
    #expect(histogram.minimum == nil)
    #expect(histogram.maximum == nil)
    #expect(histogram.percentile(0.5) == nil)
    #expect(histogram.nonZero.isEmpty)
  }

  @Test func smallValuesAreExact() {
    var histogram = Histogram()
    for value: UInt64 in 1...1000 { histogram.record(value) }
    #expect(histogram.percentile(0.5) == 500)
    #expect(histogram.percentile(0.99) == 990)
    #expect(histogram.percentile(0.999) == 999)
    #expect(histogram.percentile(0) == 1)
    #expect(histogram.percentile(1) == 1000)
    #expect(histogram.mean == 500.5)
    #expect(histogram.minimum == 1)
    #expect(histogram.maximum == 1000)
  }

  // Values and statistics agree with hdrhistogram 0.10.8 (PyPI): HdrHistogram(1, 10**10, 3).
  @Test func largeValuesAnswerAsTheReferenceDoes() {
    var histogram = Histogram()
    for value: UInt64 in [2047, 2048, 2049, 4095, 123_456, 123_456, 1_000_000, 987_654_321, 10_000_000_000] {
      histogram.record(value)
    }
    #expect(histogram.percentile(0.5) == 123_519)
    #expect(histogram.maximum == 10_007_609_343)
    #expect(histogram.minimum == 2047)
  }

  @Test func valuesBeyondTheRangeCountAsTheHighest() {
    var histogram = Histogram()
    histogram.record(.max)
    var highest = Histogram()
    highest.record(HistogramLayout.highest)
    #expect(histogram == highest)
  }

  @Test func mergingEqualsRecordingEverythingInOne() {
    var (left, right, both) = (Histogram(), Histogram(), Histogram())
    for index: UInt64 in 0..<2000 {
      let (first, second) = (SectorPattern.mix(index) % 20_000_000, SectorPattern.mix(index + 9999) % 3000)
      left.record(first)
      right.record(second)
      both.record(first)
      both.record(second)
    }
    var swapped = right
    let merged = left.merge(right)
    swapped.merge(both)
    #expect(merged)
    #expect(left == both)
    #expect(swapped.count == 6000)
  }

  @Test func bucketsOutsideTheLayoutAreRefused() {
    var histogram = Histogram()
    for bucket in [-1, Int.min, HistogramLayout.count, Int.max] {
      let isAdded = histogram.add(bucket: bucket, count: 1)
      #expect(!isAdded)
    }
    #expect(histogram == Histogram())
  }

  @Test func totalsThatDoNotFitAreRefusedAndChangeNothing() {
    var histogram = Histogram()
    let largest = histogram.add(bucket: 3, count: UInt64(Int64.max))
    let before = histogram
    let oneMore = histogram.add(bucket: 4, count: 1)
    let wrapping = histogram.add(bucket: 4, count: .max)
    let merged = histogram.merge(before)
    #expect(largest)
    #expect(!oneMore)
    #expect(!wrapping)
    #expect(!merged)
    #expect(histogram == before)
  }

  @Test func addingNothingLeavesNoTrace() {
    var histogram = Histogram()
    let isAdded = histogram.add(bucket: 500, count: 0)
    #expect(isAdded)
    #expect(histogram == Histogram())
  }

  // ln 0.025 / ln q, rounded up; methodology, section 2.
  @Test(arguments: [(0.5, 6), (0.99, 368), (0.999, 3_688), (0.9999, 36_887), (0.01, 368), (1.0, Int.max)])
  func samplesNeededAreTheFewestWithAFiniteInterval(quantile: Double, expected: Int) {
    #expect(Histogram.samplesNeeded(forQuantile: quantile) == expected)
  }
}
