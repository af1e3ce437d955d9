/// The bucket layout of an HDR histogram (Gil Tene, HdrHistogram) with 3 significant digits from 1 to 10^10 (nanoseconds:
/// up to 10 s): 2,048 sub-buckets, of which the upper half is used from the second bucket on. Shared by guest and host, so
/// that a guest's counts mean the same thing on both sides.
public enum HistogramLayout {
  /// Significant decimal digits.
  public static let significantDigits = 3
  /// Highest trackable value.
  public static let highest: UInt64 = 10_000_000_000
  /// log2 of half the sub-buckets.
  public static let halfMagnitude = 10
  /// Number of counters: 24 doubling buckets of 1,024 after the first 1,024.
  public static let count = 25 * 1024

  /// The counter of `value`; larger values than `highest` are counted as `highest`.
  @inlinable public static func bucket(of value: UInt64) -> Int {
    let clamped = value < highest ? value : highest
    let bucket = 64 - halfMagnitude - 1 - (clamped | 2047).leadingZeroBitCount
    return (bucket << halfMagnitude) + Int(clamped >> UInt64(bucket))
  }

  /// The lowest value that is counted in `bucket`.
  @inlinable public static func lowest(of bucket: Int) -> UInt64 {
    if bucket < 2048 { return UInt64(bucket) }
    let shift = (bucket >> halfMagnitude) - 1
    return UInt64((bucket & 1023) + 1024) << UInt64(shift)
  }

  /// The number of different values that share `bucket`.
  @inlinable public static func width(of bucket: Int) -> UInt64 {
    bucket < 2048 ? 1 : 1 << UInt64((bucket >> halfMagnitude) - 1)
  }
}
