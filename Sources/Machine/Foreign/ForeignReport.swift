import DeviceModel
import MachineLauncher
import Measurement

/// What a foreign guest's end left behind; times in nanoseconds of one clock.
struct ForeignOutcome {
  var end: ForeignEnd?
  var timedOutAfterSeconds: Double?
  var hostError: String?
  var isRing0Interpreted = false
  var started: UInt64 = 0
  var ready: UInt64 = 0
  var firstRun: UInt64?
  var marker: UInt64?
  var ended: UInt64 = 0
  /// How long the runner stood still meanwhile.
  var standstillSeconds: Double?
  var seen = BootConsole.Sightings()
  var lastLines: [String] = []
  /// The kernel's format, and everything else worth a line.
  var notes: [String] = []
}

/// Turns such an outcome into the runner's report: `ok` where the guest ended as guests end, `skipped` where this host cannot
/// run it, the console's last lines in the log where it failed.
enum ForeignReport {
  static func report(_ outcome: ForeignOutcome) -> RunnerReport {
    var report = RunnerReport()
    func time(_ id: String, _ moment: UInt64?) {
      guard let moment, moment >= outcome.started else { return }
      report.metrics[id] = Double(moment - outcome.started) / 1e9
    }
    time("boot.vmm_ready", outcome.ready)
    time("boot.kernel_entry", outcome.firstRun)
    time("boot.console", outcome.seen.firstByte)
    time("boot.init", outcome.seen.initProcess)
    time("boot.marker", [outcome.marker, outcome.seen.marker].compactMap { $0 }.min())
    time("boot.end", outcome.ended)
    report.metrics["host.stood_still"] = outcome.standstillSeconds
    report.notes = outcome.notes
    var ending: String?
    (report.status, report.reason, ending) = verdict(outcome)
    if let ending { report.notes.append(ending) }
    if report.status != .ok { report.log = outcome.lastLines }
    return report
  }

  private typealias Verdict = (status: RepetitionStatus, reason: String?, ending: String?)

  private static func verdict(_ outcome: ForeignOutcome) -> Verdict {
    if let error = outcome.hostError { return (.failed, error, nil) }
    if let panic = outcome.seen.panic { return (.failed, "the guest's kernel panicked: \(panic.line)", nil) }
    if let seconds = outcome.timedOutAfterSeconds {
      let hint =
        outcome.isRing0Interpreted ? " (ring 0 is interpreted on this host: kernels are far slower than elsewhere)" : ""
      return (.failed, "the guest did not end within \(seconds) s\(hint)", nil)
    }
    switch outcome.end {
    case .request(.exit(let status)):
      let code = status << 1 | 1
      let text = "status \(status) on the debug-exit port (QEMU would exit with \(code & 0xFF))"
      return status == 0 ? (.ok, nil, "the guest wrote \(text)") : (.failed, "the guest wrote \(text)", nil)
    case .request(.powerOff): return (.ok, nil, "the guest switched its machine off")
    case .request(.reset): return (.ok, nil, "the guest reset its machine")
    case .request(.marker), nil: return (.failed, "the guest was interrupted", nil)
    case .stopped(.tripleFault): return (.failed, "the guest triple-faulted", nil)
    case .stopped(.powerOff): return (.ok, nil, "the guest halted its machine")
    case .stopped(.machineCheck(let text)): return (.failed, text, nil)
    case .stopped(let reason): return (.failed, "the guest stopped: \(reason)", nil)
    case .emulationFailure(let place, let bytes):
      let text = "KVM could not emulate the guest's instruction at 0x\(String(place, radix: 16))" + hexadecimal(bytes)
      guard outcome.isRing0Interpreted else { return (.failed, text, nil) }
      return (
        .skipped,
        "\(text): ring 0 is interpreted on this host, and its interpreter does not know all that kernels use "
          + "(run this guest on a host with VMX or SVM)", nil
      )
    }
  }

  private static func hexadecimal(_ bytes: [UInt8]) -> String {
    guard !bytes.isEmpty else { return "" }
    return " (" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ") + ")"
  }
}
