import Testing

@testable import Campaign

@Suite("what fio prints")
struct FioToolTests {
  /// A console with the JSON of a job, as fio 3.33 writes it, cut to what is read.
  private func console(error: Int = 0, reads: Int = 0, writes: Int = 0, samples: Int = 5000) -> String {
    func side(_ operations: Int, _ scale: Double) -> String {
      """
      {"total_ios": \(operations), "iops": \(100 * scale), "bw_bytes": \(409_600 * scale), "clat_ns": {"mean": \(2000 * scale),
       "N": \(samples), "percentile": {"50.000000": \(1000 * scale), "99.000000": \(9000 * scale)}}}
      """
    }
    return """
      [    1.0] Run /init as init process
      pvbench-guest: user space
      {
        "fio version" : "fio-3.33",
        "jobs" : [
          {"jobname": "pvbench", "error": \(error), "read": \(side(reads, 1)), "write": \(side(writes, 2))}
        ]
      }
      pvbench-guest: ended 0

      """
  }

  @Test func aReadingJobsFiguresAreInBaseUnits() throws {
    let metrics = try FioTool.metrics(console(reads: 300))
    #expect(
      metrics == [
        "throughput.ops": 100, "throughput.bytes": 409_600, "latency.mean": 2e-6, "latency.p50": 1e-6,
        "latency.p99": 9e-6,
      ])
  }

  @Test func aVerifyingJobIsJudgedByItsWrites() throws {
    #expect(try FioTool.metrics(console(reads: 300, writes: 300))["throughput.ops"] == 200)
  }

  @Test func percentilesNeedSamplesEnough() throws {
    let metrics = try FioTool.metrics(console(reads: 300, samples: 100))
    #expect(metrics["latency.p50"] == 1e-6)
    #expect(metrics["latency.p99"] == nil)
  }

  @Test func aJobThatFailedHasNoFigures() {
    #expect(throws: ToolOutputError.failed("error 84")) { try FioTool.metrics(console(error: 84, reads: 1)) }
    #expect(throws: ToolOutputError.unreadable) { try FioTool.metrics(console()) }
  }

  @Test func aBrokenResultIsUnreadable() {
    #expect(throws: ToolOutputError.unreadable) { try FioTool.metrics("{\n  \"jobs\" : 3\n}\n") }
    #expect(throws: ToolOutputError.unreadable) { try FioTool.metrics("{\n  \"jobs\" : []\n}\n") }
    #expect(throws: ToolOutputError.unreadable) { try FioTool.metrics("{\n") }
  }
}
