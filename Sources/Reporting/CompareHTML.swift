import Measurement
import Statistics

/// `pvbench compare --format html`: one file without scripts and without anything to be fetched, in the style of a run's report.
public enum CompareHTML {
  /// The file's bytes.
  ///
  /// - Throws: `ReportError` where templates are missing or broken.
  public static func render(
    _ document: ComparisonDocument, options: ReportOptions = ReportOptions()
  ) throws(ReportError) -> [UInt8] {
    let style = try Templates(for: "html", options: options).text("style.css")
    return Array(
      try Templates(for: "compare", options: options).render(CompareViewModel(document, style: Markup(text: style)))
        .utf8)
  }
}

/// Everything that the page says. Property names are the names that the template uses.
struct CompareViewModel: Sendable {
  /// More rows than these nobody reads on a page.
  private static let mostExploratory = 1000

  let style: Markup
  let title: String
  let evidence: String
  let sides: [Side]
  let differences: [String]
  let hasDifferences: Bool
  let notices: [String]
  let gate: [String]
  let svg: Markup?
  let rows: [Row]
  let missing: [Row]
  let hasMissing: Bool
  let exploratory: [Row]
  let exploratoryCount: String
  let hasExploratory: Bool
  let tooManyExploratory: String?

  struct Side: Sendable {
    let name: String
    let id: String
    let facts: String
  }

  struct Row: Sendable {
    let workload: String
    let mode: String
    let metric: String
    let a: Value
    let b: Value
    let ratio: RatioView?
    let p: String
    let holm: String?
    let effect: String?
    let basis: String?
    let badge: Badge

    init(_ record: ComparisonRecord) {
      let words = CompareWords(record)
      (workload, mode, metric) = (record.workload, record.mode, record.metric)
      a = Value(record.a, unit: record.unit)
      b = Value(record.b, unit: record.unit)
      ratio = RatioView(record)
      p = words.p ?? Formatting.dash
      holm = words.holm.map { "after Holm \($0)" }
      (effect, basis) = (words.effect, words.basis)
      badge = Badge(word: words.verdict, style: VerdictView(record).style, reason: record.reason)
    }
  }

  struct Value: Sendable {
    let median: String
    let interval: String?
    let n: String

    init(_ side: SideRecord, unit: String) {
      median = CompareWords.median(side, unit: unit)
      interval = CompareWords.interval(side, unit: unit)
      n = "n = \(side.n)"
    }
  }

  struct Badge: Sendable {
    let word: String
    let style: String
    let reason: String?
  }

  init(_ document: ComparisonDocument, style: Markup) {
    self.style = style
    let primaries = document.primaries
    title = CompareWords.counts(document)
    evidence = "Primary metrics of \(primaries.count) cells of B against the same of A"
    sides = [("A", document.a), ("B", document.b)].map { name, run in
      Side(
        name: name, id: run.id,
        facts: "\(run.status.rawValue), \(run.started), pvbench \(run.version), seed \(run.seed)")
    }
    differences = document.differences.map { $0.words("in A", "in B") }
    hasDifferences = !differences.isEmpty
    notices =
      [("A", document.a), ("B", document.b)].filter { $0.1.status != .complete }.map { name, run in
        "\(name) is \(run.status.rawValue): draw no conclusions from what is missing or invalid."
      } + CompareWords.thresholds(document).map { "Threshold of this comparison: \($0)." }
    gate = CalibrationWords.lines(document.calibration)
    svg = CompareForest.plot(primaries)
    rows = primaries.filter { $0.verdict != .notComparable }.map(Row.init)
    missing = primaries.filter { $0.verdict == .notComparable }.map(Row.init)
    hasMissing = !missing.isEmpty
    let others = document.comparisons.filter { $0.pHolm == nil && $0.verdict != .notComparable }
    let fits = others.count <= Self.mostExploratory
    exploratory = fits ? others.map(Row.init) : []
    exploratoryCount = "\(others.count) other metrics"
    hasExploratory = fits && !others.isEmpty
    tooManyExploratory =
      fits ? nil : "\(others.count) other metrics are too many for a page; they are in the formats csv and json."
  }
}
