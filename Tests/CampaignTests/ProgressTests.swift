import Synchronization
import Testing

@testable import Campaign

struct ProgressTests {
  private final class Written: Sendable {
    let text = Mutex("")
    @Sendable func append(_ more: String) { text.withLock { $0 += more } }
  }

  private let step = StepProgress(
    done: 2, total: 8, workload: "disk.randread.4k.qd1", mode: "full", repetition: 1, repetitions: 4,
    remainingSeconds: 75)
  private let written = Written()
  private var text: String { written.text.withLock { $0 } }

  @Test func plainProgressIsOneLineAStep() {
    let progress = PlainProgress(isVerbose: false, write: written.append)
    progress.report(.started(step))
    progress.report(.finished(step, .skipped, reason: "IDE has queue depth 1 only"))
    progress.report(.detail("left out"))
    #expect(text == "[3/8] disk.randread.4k.qd1 full 1/4: skipped (IDE has queue depth 1 only)\n")
  }

  @Test func thePlanStaysAboveTheBar() {
    let bar = TerminalProgress(isVerbose: false, usesColor: false, columns: 80, write: written.append)
    bar.report(.planned("8 repetitions in 2 cells"))
    bar.report(.started(step))
    #expect(text.hasPrefix("\r\u{1B}[K8 repetitions in 2 cells\n\r\u{1B}[K█"))
  }

  @Test func barShowsHowFarAndHowLong() {
    TerminalProgress(isVerbose: false, usesColor: false, columns: 200, write: written.append).report(.started(step))
    #expect(text == "\r\u{1B}[K██████░░░░░░░░░░░░░░░░░░ 2/8  1 min 15 s left  disk.randread.4k.qd1 full 1/4")
  }

  @Test func barFitsTheTerminal() {
    TerminalProgress(isVerbose: false, usesColor: true, columns: 30, write: written.append).report(.started(step))
    #expect(text.dropFirst("\r\u{1B}[K".count).count == 29)
  }

  @Test func colorIsUsedOnlyWhereAllowed() {
    TerminalProgress(isVerbose: false, usesColor: false, columns: 80, write: written.append)
      .report(.finished(step, .failed, reason: "x"))
    #expect(text == "\r\u{1B}[Kfailed disk.randread.4k.qd1 full 1/4: x\n")
  }
}
