import DeviceModel
import Glibc
import MachineLauncher
import Measurement
import Synchronization
import Testing

@testable import Machine

/// Counts one more each time that it is asked.
private final class Ticks: Sendable {
  private let count = Atomic<UInt64>(0)
  func next() -> UInt64 { count.wrappingAdd(1, ordering: .relaxed).newValue }
}

@Suite("a foreign guest's console")
struct BootConsoleTests {
  private let console: BootConsole
  private let ends: [Int32]

  init() {
    var ends: [Int32] = [0, 0]
    pipe(&ends)
    self.ends = ends
    let ticks = Ticks()
    console = BootConsole(descriptor: ends[1], marker: "login:", clock: { ticks.next() })
  }

  private func print(_ text: String) { text.utf8.forEach(console.byte) }

  @Test func whatIsPrintedGoesOnAsItIs() {
    print("one\r\ntwo")
    console.flush()
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = read(ends[0], &bytes, 64)
    #expect(String(decoding: bytes.prefix(count), as: UTF8.self) == "one\r\ntwo")
    ends.forEach { close($0) }
  }

  @Test func placesOfABootAreSeenWhenTheirLineEnds() {
    print("[    1.0] Run /init as init process\n")
    #expect(console.sightings.firstByte == 1)
    #expect(console.sightings.initProcess == 36)
    #expect(console.sightings.marker == nil)
    print("debian login:")
    #expect(console.sightings.marker == nil)
    print("\n")
    #expect(console.sightings.marker == 50)
    ends.forEach { close($0) }
  }

  @Test func aPanicIsItsFirstLine() {
    print("[ 2.0] Kernel panic - not syncing: No init found\nKernel panic again\n")
    #expect(console.sightings.panic?.line == "[ 2.0] Kernel panic - not syncing: No init found")
    ends.forEach { close($0) }
  }

  @Test func theLastTwentyLinesAreKept() {
    for index in 0..<50 { print("line \(index)\n") }
    print("unfinished")
    #expect(console.lastLines == (31..<50).map { "line \($0)" } + ["unfinished"])
    ends.forEach { close($0) }
  }

  @Test func aLineWithoutEndIsCut() {
    print(String(repeating: "x", count: 10_000))
    #expect(console.lastLines.map(\.count) == [4096, 4096, 1806])
    ends.forEach { close($0) }
  }
}

@Suite("how a foreign guest ended")
struct ForeignReportTests {
  private func report(_ change: (inout ForeignOutcome) -> Void) -> RunnerReport {
    var outcome = ForeignOutcome()
    outcome.started = 1_000_000_000
    outcome.ready = 1_002_000_000
    outcome.firstRun = 1_003_000_000
    outcome.ended = 3_000_000_000
    outcome.lastLines = ["last"]
    change(&outcome)
    return ForeignReport.report(outcome)
  }

  static let good: [ForeignEnd] = [
    .request(.powerOff), .request(.reset), .request(.exit(status: 0)), .stopped(.powerOff),
  ]

  @Test(arguments: good)
  func anOrderlyEndIsOK(end: ForeignEnd) {
    let report = report { $0.end = end }
    #expect(report.status == .ok)
    #expect(report.reason == nil)
    #expect(report.notes.count == 1)
    #expect(report.log.isEmpty)
  }

  static let bad: [(ForeignEnd, String)] = [
    (.request(.exit(status: 3)), "the guest wrote status 3 on the debug-exit port (QEMU would exit with 7)"),
    (.stopped(.tripleFault), "the guest triple-faulted"), (.stopped(.machineCheck("KVM said no")), "KVM said no"),
    (
      .emulationFailure(at: 0x100, bytes: [0x0F, 0xC7]),
      "KVM could not emulate the guest's instruction at 0x100 (0f c7)"
    ),
  ]

  @Test(arguments: bad)
  func aFailureHasItsReasonAndTheLastLines(end: ForeignEnd, reason: String) {
    let report = report { $0.end = end }
    #expect(report.status == .failed)
    #expect(report.reason == reason)
    #expect(report.log == ["last"])
  }

  @Test func aPanicIsWorseThanTheResetThatFollows() {
    let report = report {
      $0.end = .request(.reset)
      $0.seen.panic = ("Kernel panic - not syncing", 5)
    }
    #expect(report.status == .failed)
    #expect(report.reason == "the guest's kernel panicked: Kernel panic - not syncing")
  }

  @Test func anInterpretedRingIsTheHostsLack() {
    let report = report {
      $0.end = .emulationFailure(at: 0x100, bytes: [])
      $0.isRing0Interpreted = true
    }
    #expect(report.status == .skipped)
    #expect(report.reason?.contains("ring 0 is interpreted on this host") == true)
  }

  @Test func aTimeOutNamesTheTime() {
    let report = report { $0.timedOutAfterSeconds = 5 }
    #expect(report.status == .failed)
    #expect(report.reason == "the guest did not end within 5.0 s")
  }

  @Test func timesAreCountedFromTheStartOfTheProcess() {
    let report = report {
      $0.end = .request(.powerOff)
      $0.seen.initProcess = 2_000_000_000
      $0.marker = 2_500_000_000
      $0.seen.marker = 2_250_000_000
    }
    #expect(report.metrics["boot.vmm_ready"] == 0.002)
    #expect(report.metrics["boot.kernel_entry"] == 0.003)
    #expect(report.metrics["boot.init"] == 1)
    #expect(report.metrics["boot.marker"] == 1.25)
    #expect(report.metrics["boot.console"] == nil)
    #expect(report.metrics["boot.end"] == 2)
  }
}
