import PVWire
import Testing

/// The same layout written down naively: 2,048 buckets of width 1, then 1,024 of each doubled width.
private func naiveBuckets() -> [(lowest: UInt64, width: UInt64)] {
  var buckets: [(lowest: UInt64, width: UInt64)] = (0..<2048).map { (UInt64($0), 1) }
  var width: UInt64 = 2
  while buckets.count < HistogramLayout.count {
    for _ in 0..<1024 { buckets.append((buckets[buckets.count - 1].lowest + buckets[buckets.count - 1].width, width)) }
    // The first bucket of a doubled width follows one of half that width, as computed above.
    width *= 2
  }
  return buckets
}

@Suite("histogram layout")
struct HistogramLayoutTests {
  private let buckets = naiveBuckets()

  @Test func everyBucketIsWhereTheReferenceHasIt() {
    #expect(buckets.count == HistogramLayout.count)
    for (index, bucket) in buckets.enumerated() {
      #expect(HistogramLayout.lowest(of: index) == bucket.lowest)
      #expect(HistogramLayout.width(of: index) == bucket.width)
    }
  }

  @Test func theEdgesOfEveryBucketAreCountedInIt() {
    for (index, bucket) in buckets.enumerated() where bucket.lowest + bucket.width <= HistogramLayout.highest {
      #expect(HistogramLayout.bucket(of: bucket.lowest) == index)
      #expect(HistogramLayout.bucket(of: bucket.lowest + bucket.width - 1) == index)
    }
  }

  @Test func threeDigitsSurvive() {
    for (index, bucket) in buckets.enumerated().dropFirst(2048) {
      #expect(bucket.width * 1000 <= bucket.lowest, "bucket \(index)")
    }
  }

  @Test(arguments: [HistogramLayout.highest, HistogramLayout.highest + 1, UInt64.max])
  func whateverIsTooLargeCountsAsTheHighest(value: UInt64) {
    let bucket = HistogramLayout.bucket(of: value)
    #expect(bucket < HistogramLayout.count)
    #expect(bucket == HistogramLayout.bucket(of: HistogramLayout.highest))
    #expect(HistogramLayout.lowest(of: bucket) <= HistogramLayout.highest)
  }
}
