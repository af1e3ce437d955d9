import Measurement

/// A ratio as text, and exactly: the page carries the same numbers as JSON and CSV in `data-` attributes.
struct RatioView: Sendable {
  let text: String
  /// `[41.0×–52.3×]`, for sentences.
  let interval: String
  /// `[41.0–52.3]`, for tables.
  let bounds: String
  let exact: String
  let exactLow: String
  let exactHigh: String

  /// Nil where the comparison has no ratio.
  init?(_ comparison: ComparisonRecord) {
    guard let ratio = comparison.ratio else { return nil }
    text = Formatting.ratio(ratio)
    if let low = comparison.ratioLow, let high = comparison.ratioHigh {
      interval = "[\(Formatting.ratio(low))–\(Formatting.ratio(high))]"
      bounds = "[\(Formatting.number(low))–\(Formatting.number(high))]"
    } else {
      interval = "[no finite 95 % interval]"
      bounds = interval
    }
    exact = CSV.number(ratio)
    exactLow = CSV.number(comparison.ratioLow)
    exactHigh = CSV.number(comparison.ratioHigh)
  }
}

/// What a comparison says, in a word. Only a called change has a colour.
struct VerdictView: Sendable {
  let word: String
  let style: String
  let reason: String?

  init(_ comparison: ComparisonRecord) {
    reason = comparison.reason
    (word, style) =
      switch comparison.verdict {
      case .improved: ("better", "better")
      case .regressed: ("worse", "worse")
      case .noChangeFound: ("no difference found", "neutral")
      case .inconclusive: ("inconclusive", "neutral")
      case .notComparable: ("not comparable", "neutral")
      }
  }
}

/// One comparison in a table.
struct PairView: Sendable {
  let ratio: RatioView?
  let verdict: VerdictView
  let evidence: String

  init(_ comparison: ComparisonRecord) {
    ratio = RatioView(comparison)
    verdict = VerdictView(comparison)
    evidence = Self.evidence(comparison)
  }

  /// `n = 6 and 6 boots, sign-flip (paired) p = 0.031, after Holm p = 0.094`.
  static func evidence(_ comparison: ComparisonRecord) -> String {
    var parts = ["n = \(comparison.a.n) and \(comparison.b.n) boots"]
    if let p = comparison.p { parts.append("\(comparison.test) \(Formatting.p(p))") }
    if let p = comparison.pHolm { parts.append("after Holm \(Formatting.p(p))") }
    return parts.joined(separator: ", ")
  }
}

/// Modes in words.
enum ModeName {
  /// Suites that are about one device.
  private static let devices = ["disk", "network", "console"]

  /// `full emulation`, `paravirtual disk`, `the paravirtual guest`; a mixed mode keeps its id.
  static func words(_ mode: String, suite: String) -> String {
    switch mode {
    case "full": "full emulation"
    case "paravirt": devices.contains(suite) ? "paravirtual \(suite)" : "the paravirtual guest"
    default: mode
    }
  }

  /// The two modes of `full:paravirt`; nil where the comparison is not of two modes.
  static func pair(_ mode: String) -> (a: String, b: String)? {
    let parts = mode.split(separator: ":", maxSplits: 1).map(String.init)
    return parts.count == 2 ? (parts[0], parts[1]) : nil
  }
}

extension RunRecord {
  /// The metric that a gate tests of this workload.
  func primary(of workload: String) -> String { cells.first { $0.workload == workload }?.primary ?? "" }

  /// Comparisons of the builtin runner with another one, of every metric.
  var runnerComparisons: [ComparisonRecord] { comparisons.filter { ModeLabel.comparesRunners($0.mode) } }

  /// Comparisons of each workload's primary metric between two modes, in the order of cells.
  var primaryComparisons: [ComparisonRecord] {
    var primary: [String: String] = [:]
    var rank: [String: Int] = [:]
    for cell in cells where rank[cell.workload] == nil {
      primary[cell.workload] = cell.primary
      rank[cell.workload] = rank.count
    }
    return comparisons.filter {
      primary[$0.workload] == $0.metric && ModeName.pair($0.mode) != nil && !ModeLabel.comparesRunners($0.mode)
    }
    .enumerated().sorted { (rank[$0.element.workload] ?? 0, $0.offset) < (rank[$1.element.workload] ?? 0, $1.offset) }
    .map(\.element)
  }
}
