/// What QEMU's end means for the guest, where that is anything but an end as it should be.
enum QEMUVerdict {
  /// Lines of QEMU's own that a log keeps at most.
  static let keptLines = 50
  /// What isa-debug-exit makes of the 0 that the guest writes at its end.
  private static let debugExit: Int32 = 1

  /// Why the guest's account is not believed; nil where QEMU ended because the guest was done. `errors` is what QEMU wrote.
  static func obstacle(isDone: Bool, end: ChildProgram.End, errors: [String]) -> String? {
    if isDone, end == .exited(debugExit) { return nil }
    if let reason = reason(errors) { return reason }
    return switch end {
    case .exited(126), .exited(127): "QEMU could not be started"
    case .exited(0): "the guest reset or switched off QEMU's machine"
    case .exited(let code): "QEMU ended before the guest, with exit code \(code)"
    case .killed(let signal): "QEMU was killed by signal \(signal)"
    }
  }

  /// The line of QEMU's errors that says most: a failed KVM_RUN, which registers follow, otherwise the last.
  static func reason(_ errors: [String]) -> String? {
    let line = errors.first { $0.hasPrefix("KVM internal error") } ?? errors.last { !$0.isEmpty }
    guard let line else { return nil }
    let name = "qemu-system-x86_64: "
    return "QEMU: " + (line.hasPrefix(name) ? String(line.dropFirst(name.count)) : line)
  }
}
