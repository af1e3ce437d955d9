import Measurement
import Testing

@Suite("the record of what looking costs")
struct LookingRecordTests {
  private func verdict(
    _ ratio: (Double, Double?, Double?), _ exit: (Double, Double?, Double?)?
  ) -> LookingRecord.Verdict {
    LookingRecord.Row(
      workload: "exits.pio.out", mode: "full", instrument: "stamps", metric: "latency.p50", n: 10, on: 1, off: 1,
      ratio: ratio, exitSeconds: exit
    ).verdict
  }

  @Test func oneLimitThatIsKeptIsEnough() {
    #expect(verdict((1.5, 1.4, 1.6), (40e-9, 30e-9, 50e-9)) == .within)
    #expect(verdict((1.01, 1, 1.02), (900e-9, 800e-9, 990e-9)) == .within)
    #expect(verdict((1.01, 1, 1.02), nil) == .within)
  }

  @Test func bothThatArePassedAreAbove() {
    #expect(verdict((1.05, 1.03, 1.07), (90e-9, 60e-9, 120e-9)) == .above)
    #expect(verdict((1.05, 1.03, 1.07), nil) == .above)
  }

  @Test func whatAnIntervalHoldsIsUndecided() {
    #expect(verdict((1.05, 1.01, 1.07), (90e-9, 60e-9, 120e-9)) == .undecided)
    #expect(verdict((1.05, 1.03, 1.07), (60e-9, 40e-9, 120e-9)) == .undecided)
    #expect(verdict((1, nil, nil), (0, nil, nil)) == .undecided)
  }
}
