import Measurement
import Testing

@Suite("what differs between hosts") struct HostDifferenceTests {
  private func host(kernel: String = "6.1", sources: [String: JSONValue]? = nil) -> HostRecord {
    HostRecord(
      fingerprint: "f", configuration: [:], cpu: ["model_name": .string("x")], kernel: kernel,
      kvm: sources.map { ["exit_sources": .object($0)] } ?? [:], numa: [], warnings: [], name: "h")
  }

  private func source(counts: Bool, found: Double) -> JSONValue {
    .object(["counts": .bool(counts), "expected": .number(100), "found": .number(found)])
  }

  @Test func aKernelIsNamedWithBothReleases() {
    let differences = HostDifference.all(host(kernel: "6.1"), host(kernel: "6.6"))
    #expect(differences == [HostDifference(fact: "kernel", a: "6.1", b: "6.6")])
    #expect(differences[0].words("in A", "in B") == "kernel: 6.1 in A, 6.6 in B")
  }

  @Test func howManyExitsAHostWasAskedWithIsNoDifference() {
    let (a, b) = (source(counts: true, found: 100), source(counts: true, found: 102))
    #expect(HostDifference.all(host(sources: ["stats:exits": a]), host(sources: ["stats:exits": b])).isEmpty)
    #expect(HostDifference.all(host(), host(sources: ["stats:exits": b])).isEmpty)
  }

  @Test func aSourceThatNoLongerCountsIsOne() {
    let (a, b) = (source(counts: true, found: 100), source(counts: false, found: 0))
    #expect(
      HostDifference.all(host(sources: ["stats:exits": a]), host(sources: ["stats:exits": b]))
        == [HostDifference(fact: "kvm exit_sources stats:exits counts", a: "yes", b: "no")])
  }
}
