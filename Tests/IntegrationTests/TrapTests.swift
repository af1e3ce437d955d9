import Machine
import MachineLauncher
import Measurement
import Testing

extension RealGuests {
  @Suite("ways into the guest's ring 0")
  struct TrapTests {
    private func report(_ kernel: String, _ parameters: [String: String]) throws -> RunnerReport {
      try PlatformJob(kernel: kernel, parameters: parameters).run()
    }

    static let traps = ["undefined", "protection", "fault", "breakpoint", "touch"]

    @Test(arguments: traps) func everyTrapIsCountedAndNoneGoesToTheRunner(way: String) throws {
      let report = try report("trap", ["way": way])
      #expect(report.status == .ok, "\(report.reason ?? "")")
      #expect(try #require(report.metrics["window.ops"]) > 100)
      #expect(try #require(report.metrics["exits.per_op"]) <= 0.1)
    }

    @Test(arguments: traps) func aTrapThatIsNotCountedFails(way: String) throws {
      let report = try report("trap", ["way": way, "answer": "1"])
      #expect(report.status == .failed)
      #expect(report.reason?.hasPrefix("ring 0 was entered ") == true, "\(report.reason ?? "")")
    }

    @Test func systemCallsReachRing0OrAreSkippedWithTheirReason() throws {
      let report = try report("trap", ["way": "syscall"])
      let reasons = ["SYSCALL is undefined in this host's guests", "SYSCALL does not reach ring 0 on this host: "]
      let isExplained = reasons.contains { report.reason?.hasPrefix($0) == true }
      #expect([.ok: report.reason == nil, .skipped: isExplained][report.status] == true, "\(report.reason ?? "")")
    }

    @Test(arguments: ["cr3", "invlpg"]) func aReplacedPageIsSeenBehindEveryFlush(way: String) throws {
      let report = try report("flush", ["way": way])
      #expect(report.status == .ok, "\(report.reason ?? "")")
      #expect(try #require(report.metrics["window.ops"]) >= 64)
    }

    @Test func aPageThatIsNotTheNewOneFails() throws {
      let report = try report("flush", ["way": "invlpg", "answer": "1"])
      #expect(report.reason == "a page that was replaced is still seen")
    }

    @Test(arguments: ["trap", "flush"]) func aWayThatTheGuestDoesNotKnowFails(kernel: String) throws {
      let report = try report(kernel, ["way": "teleport"])
      #expect(report.status == .failed)
      #expect(report.reason?.hasPrefix("way: ") == true)
    }

    @Test func pagesAreTouchedAtTheStepThatWasAskedFor() throws {
      let report = try report("touch", ["step": "2097152"])
      #expect(report.status == .ok, "\(report.reason ?? "")")
      // 32 MiB beyond the heap, of which the warm-up takes an eighth.
      #expect(report.metrics["window.ops"] == 14)
    }
  }
}
