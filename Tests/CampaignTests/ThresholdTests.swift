import Measurement
import Testing

@testable import Campaign

struct ThresholdTests {
  @Test(arguments: [
    ("throughput.ops=5%", FloorOverride(relative: 0.05)),
    ("latency.p99=2.5%,10us", FloorOverride(relative: 0.025, absolute: 1e-5)),
    ("memory.guest_touched=64KiB", FloorOverride(absolute: 65536)),
    ("cycles.p50=300", FloorOverride(absolute: 300)),
  ]) func relativeAndAbsoluteFloorsAreRead(text: String, floor: FloorOverride) throws {
    #expect(try Array(Threshold.parse([text]).values) == [floor])
  }

  @Test(arguments: [
    ("latency.p98=5%", "unknown metric 'latency.p98' (did you mean 'latency.p99'?)"),
    (
      "latency.p99=10kg",
      "--threshold latency.p99=10kg: '10kg' is neither a percentage such as 5% nor a duration with one of the units ns, us, ms "
        + "and s"
    ),
    (
      "memory.guest_touched=5us",
      "--threshold memory.guest_touched=5us: '5us' is neither a percentage such as 5% nor a size with one of the units B, KiB, "
        + "MiB and GiB"
    ),
    (
      "throughput.ops=5%,",
      "--threshold throughput.ops=5%,: '' is neither a percentage such as 5% nor a number (in 1/s)"
    ),
    ("throughput.ops", "--threshold throughput.ops: expected METRIC=5%, METRIC=10us or METRIC=5%,10us"),
    ("throughput.ops=", "--threshold throughput.ops=: expected METRIC=5%, METRIC=10us or METRIC=5%,10us"),
  ]) func whatIsNoThresholdIsAUsageError(text: String, message: String) {
    #expect(throws: CampaignError.usage(message)) { try Threshold.parse([text]) }
  }
}
