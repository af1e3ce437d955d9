/// How a cell's mode is called in results: `paravirt`, or `paravirt@qemu` where another program than the builtin runner ran its
/// guests. The label keeps cells apart for everyone who knows suite, workload and mode only.
public enum ModeLabel {
  /// The label of `mode` under `runner`; nil is the builtin one.
  public static func label(_ mode: String, runner: String?) -> String { runner.map { "\(mode)@\($0)" } ?? mode }

  /// A label's mode and runner.
  public static func parts(_ label: String) -> (mode: String, runner: String?) {
    guard let at = label.lastIndex(of: "@") else { return (label, nil) }
    return (String(label[..<at]), String(label[label.index(after: at)...]))
  }

  /// True for a comparison `a:b` of two runners in one mode, `paravirt@qemu:paravirt`.
  public static func comparesRunners(_ pair: String) -> Bool {
    let sides = pair.split(separator: ":", maxSplits: 1).map { parts(String($0)) }
    return sides.count == 2 && sides[0].mode == sides[1].mode && sides[0].runner != sides[1].runner
  }

  /// True where `runner` lets the host's processor run the guest: an interpreter's times say nothing of it.
  public static func measuresHardware(_ runner: String) -> Bool { !runner.hasSuffix("-tcg") }
}
