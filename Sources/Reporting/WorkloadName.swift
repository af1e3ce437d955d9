/// A workload's id in plain words: `disk.randread.4k.qd1` is "4 KiB random reads, queue depth 1". What the tables do not
/// know stays as it is, so that a new workload reads well as soon as it has a row here and is correct before.
struct WorkloadName {
  /// The id.
  let id: String
  /// `4 KiB random reads`.
  let subject: String
  /// `queue depth 1, closed loop`; empty without such components.
  let circumstances: String
  /// What belongs together in one headline: suite and kernel, `disk.randread`.
  let family: String

  /// Kernels, by the component behind the suite.
  private static let kernels = [
    "randread": "random reads", "randwrite": "random writes", "seqread": "sequential reads",
    "seqwrite": "sequential writes", "flush": "writes with a flush", "mixed70": "random operations, 70 % of them reads",
    "write": "console writes",
    "roundtrip": "round trips", "transmit": "frames out", "receive": "frames in", "both": "frames both ways",
    "clock": "reads of the clock", "timer": "timers", "eoi": "interrupts to oneself",
    "lock": "turns at a lock", "steal": "turns at a CPU", "ipi": "interrupts between vCPUs",
    "entropy": "requests for random bytes",
    "balloon": "balloon requests",
    "integer": "integer arithmetic", "nbody": "orbits of five bodies", "matmul": "products of matrices",
    "sha256": "SHA-256", "aes": "AES-128", "branch": "branches", "cache": "passes over a cache",
    "stream": "STREAM", "chase": "dependent loads", "random": "random accesses", "sequential": "sequential accesses",
    "touch": "first touches of pages", "dirty": "pages written to", "pagetable": "changes of a page table",
    "shootdown": "pages replaced under other vCPUs",
  ]
  /// Circumstances that need more than their own word.
  private static let words = [
    "null": "null back end", "polled": "polled completion", "tap": "host's network stack", "peer": "another guest",
    "spin": "awake", "inflate": "inflated and deflated", "reporting": "free pages reported",
    "read": "one after the other", "reads": "only reads", "mixed70": "70 % only reads", "steady": "all alike",
    "ring0": "in ring 0", "monotonic": "never back", "drift": "against the host's",
    "cyclic": "a task due again and again",
    "1cpu": "on 1 CPU",
  ]

  init(_ id: String) {
    self.id = id
    let parts = id.split(separator: ".").map(String.init)
    family = parts.prefix(2).joined(separator: ".")
    let isWayOut = parts.first == "exits"
    guard parts.count >= 2, let kernel = (isWayOut ? WayOutName.ways : Self.kernels)[parts[1]] else {
      subject = id
      circumstances = ""
      return
    }
    var size: String?
    var rest: [String] = []
    for part in parts.dropFirst(2) {
      if let words = Self.blockSize(part) {
        size = words
      } else if part.hasPrefix("qd"), let depth = Int(part.dropFirst(2)) {
        rest.append("queue depth \(depth), closed loop")
      } else if part.hasPrefix("rate"), let rate = Int(part.dropFirst(4)) {
        rest.append("\(rate) a second, open loop")
      } else if part.hasSuffix("vcpus"), let count = Int(part.dropLast(5)) {
        rest.append("\(count) vCPUs")
      } else if part.hasSuffix("cpus"), let count = Int(part.dropLast(4)) {
        rest.append("on \(count) CPUs")
      } else {
        rest.append((isWayOut ? WayOutName.words : Self.words)[part] ?? part)
      }
    }
    subject = [size, kernel].compactMap { $0 }.joined(separator: " ")
    circumstances = rest.joined(separator: ", ")
  }

  /// Subject and circumstances.
  var title: String { circumstances.isEmpty ? subject : "\(subject), \(circumstances)" }

  /// `title` for narrow places: the queue depth without its loop.
  var shortTitle: String {
    var short = title
    if let loop = short.firstRange(of: ", closed loop") { short.removeSubrange(loop) }
    return short
  }

  private static func blockSize(_ part: String) -> String? {
    guard let suffix = part.last, let number = Int(part.dropLast()) else { return nil }
    return switch suffix {
    case "k": "\(number)\u{202F}KiB"
    case "m": "\(number)\u{202F}MiB"
    case "b": "\(number)\u{202F}B"
    default: nil
    }
  }
}
