import MachineLauncher
import Measurement
import PVWire
import Testing

@testable import Machine

@Suite("how QEMU ended")
struct QEMUVerdictTests {
  @Test func aGuestThatWasDoneIsBelieved() {
    #expect(QEMUVerdict.obstacle(isDone: true, end: .exited(1), errors: ["qemu-system-x86_64: warning: x"]) == nil)
  }

  @Test(arguments: [
    (
      ChildProgram.End.exited(1), ["a", "qemu-system-x86_64: -device nope: not found"], "QEMU: -device nope: not found"
    ),
    (.exited(0), [], "the guest reset or switched off QEMU's machine"),
    (.exited(3), [], "QEMU ended before the guest, with exit code 3"),
    (.exited(127), [], "QEMU could not be started"),
    (.killed(signal: 11), [], "QEMU was killed by signal 11"),
    (
      .killed(signal: 9), ["KVM internal error. Suberror: 1", "EAX=0", "EBX=0"], "QEMU: KVM internal error. Suberror: 1"
    ),
  ])
  func anyOtherEndHasItsReason(end: ChildProgram.End, errors: [String], reason: String) {
    #expect(QEMUVerdict.obstacle(isDone: false, end: end, errors: errors) == reason)
  }

  @Test func aGuestThatSaidDoneAndWasKilledIsNotBelieved() {
    #expect(QEMUVerdict.obstacle(isDone: true, end: .killed(signal: 6), errors: []) == "QEMU was killed by signal 6")
  }
}

@Suite("QEMU's report")
struct QEMUReportTests {
  private static func outcome() -> GuestOutcome {
    var outcome = GuestOutcome()
    outcome.stopReason = .done
    (outcome.exits, outcome.loopExits) = (nil, nil)
    outcome.tscHertz = 1_000_000_000
    outcome.window = WindowMeasurement(cpuSeconds: 0.5)
    outcome.records = [
      .window(operations: 100, bytes: 4096, startTSC: 0, endTSC: 1_000_000_000, emptyLoopTicks: 20)
    ]
    return outcome
  }

  @Test func countedExitsStandInThePlaceOfTheLoops() {
    let report = QEMUGuest.report(Self.outcome(), exits: 300)
    #expect(report.status == .ok)
    #expect(report.metrics["exits.per_op"] == 3)
    #expect(report.exits.userspace == 300)
    #expect(report.metrics["host.cpu_seconds_per_op"] == 0.005)
  }

  @Test(arguments: ["exits.per_op", "exits.handler_seconds_per_op", "exits.loop_total", "boot.first_instruction"])
  func whatNobodyMeasuredIsMissing(metric: String) {
    #expect(QEMUGuest.report(Self.outcome(), exits: nil).metrics[metric] == nil)
  }
}

@Suite("another process's memory")
struct ProcessMemoryTests {
  private static let text = Array(
    """
    55d0c0000000-55d0c0001000 r-xp 00000000 fe:00 42    /usr/bin/qemu-system-x86_64
    Rss:                   4 kB
    Pss:                   3 kB
    7f0000000000-7f0000004000 rw-p 00000000 00:00 0
    Pss:                  12 kB
    Pss_Dirty:             9 kB
    7f0000008000-7f0000009000 rw-p 00000000 00:00 0
    Pss:                   1 kB

    """.utf8)

  @Test func guestRAMIsTheMappingOfItsSize() throws {
    let sizes = try #require(ProcessUsage.memory(inMappings: Self.text, guestBytes: 0x4000))
    #expect(sizes.guest == 12 << 10)
    #expect(sizes.runner == 4 << 10)
  }

  @Test(arguments: [0x1000, 0x10_0000] as [UInt64])
  func severalSuchMappingsOrNoneAreNoAnswer(bytes: UInt64) {
    #expect(ProcessUsage.memory(inMappings: Self.text, guestBytes: bytes) == nil)
  }
}
