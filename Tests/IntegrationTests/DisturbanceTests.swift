import Foundation
import HostTopology
import Measurement
import Testing

extension RealGuests {
  /// Guests that are kept from running while they are measured: their figures are of the host, and must not be taken for theirs.
  @Suite("disturbed runs", .serialized, .enabled(if: Host.hasSeveralCPUs))
  struct DisturbanceTests {
    private static let program = "\(TemporaryFolder.programFolder)/pvbench"

    /// One guest for two seconds, in which only `watched` counts: other tests run beside it.
    private func run(
      watching watched: String, in folder: TemporaryFolder, _ disturb: (pid_t) throws -> Void
    ) throws -> (result: Child.Result, repetition: RepetitionRecord) {
      let others = ["load", "stopped", "steal", "throttling", "frequency", "clock", "clocksource"]
      let child = try Child([
        Self.program, "run", "--workload", "exits.pio.out", "--mode", "full", "--reps", "1", "--no-progress", "--out",
        folder.path, "--tolerate", others.filter { $0 != watched }.joined(separator: ","),
      ])
      try disturb(child.pid)
      let result = child.wait()
      let path = try #require(Self.run(in: folder), "\(result.errors)")
      let bytes = TemporaryFolder.contents(of: "\(path)/run.json")
      let record = try JSONDecoder().decode(RunRecord.self, from: Data(bytes))
      return (result, try #require(record.cells.first?.repetitions.first))
    }

    /// The only run's folder, which stands beside the history.
    private static func run(in folder: TemporaryFolder) -> String? {
      ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).map { "\(folder.path)/\($0)" }
        .first { FileManager.default.fileExists(atPath: "\($0)/plan.json") }
    }

    /// The runner that the process `parent` has started for its first repetition, when its guest is about to run: not one of
    /// those before it, by which the run finds out what exits cost.
    private func runner(of parent: pid_t, in folder: TemporaryFolder) throws -> pid_t {
      let hasAsked = Child.eventually(seconds: 60) {
        Self.run(in: folder).map { Self.text("\($0)/plan.json").contains("\"findings\"") } ?? false
      }
      try #require(hasAsked)
      var found: pid_t?
      _ = Child.eventually(seconds: 30) {
        found = Self.numbers(in: "/proc").first { process in
          Self.text("/proc/\(process)/status").contains("\nPPid:\t\(parent)\n")
            && Self.numbers(in: "/proc/\(process)/task").contains {
              Self.text("/proc/\(process)/task/\($0)/comm") == "vcpu0\n"
            }
        }
        return found != nil
      }
      return try #require(found)
    }

    private static func numbers(in folder: String) -> [pid_t] {
      ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).compactMap { pid_t($0) }
    }

    private static func text(_ path: String) -> String {
      String(decoding: TemporaryFolder.contents(of: path), as: UTF8.self)
    }

    @Test func aHogOnTheSameCPUsMakesItInvalid() throws {
      let folder = try TemporaryFolder()
      let hogs = try (0..<ProcessInfo.processInfo.activeProcessorCount).map {
        try Child(["/usr/bin/taskset", "--cpu-list", "\($0)", "/bin/sh", "-c", "while :; do :; done"])
      }
      defer {
        hogs.forEach { kill($0.pid, SIGKILL) }
        hogs.forEach { _ = $0.wait() }
      }
      let (result, repetition) = try run(watching: "load", in: folder) { _ in }
      #expect(repetition.status == .invalid)
      let reason = try #require(repetition.reason)
      #expect(reason.hasPrefix("load: a vCPU's or an I/O thread waited "))
      #expect(result.status == 1)
      #expect(result.output.contains("  exits.pio.out full: invalid (1 of 1): \(reason)\n"))
      #expect(result.output.contains("\nrun invalid; report: "))
    }

    /// SIGSTOP for two seconds, to the runner alone and to its group.
    @Test(arguments: [pid_t(1), -1]) func aRunnerThatWasStoppedIsInvalid(sign: pid_t) throws {
      let folder = try TemporaryFolder()
      let (result, repetition) = try run(watching: "stopped", in: folder) { pvbench in
        let runner = try runner(of: pvbench, in: folder)
        #expect(kill(sign * runner, SIGSTOP) == 0)
        sleep(2)
        #expect(kill(sign * runner, SIGCONT) == 0)
      }
      #expect(repetition.status == .invalid)
      let seconds = try #require(repetition.metrics["host.stood_still"])
      #expect((1.5...2.5).contains(seconds))
      #expect(repetition.reason?.hasPrefix("stopped: the runner stood still for ") == true)
      #expect(result.status == 1)
    }

    @Test func aGuestThatNobodyDisturbsIsValid() throws {
      let folder = try TemporaryFolder()
      let (result, repetition) = try run(watching: "stopped", in: folder) { _ in }
      #expect(repetition.status == .ok)
      #expect(repetition.metrics["host.stood_still"] == 0)
      #expect(result.status == 0)
    }
  }
}
