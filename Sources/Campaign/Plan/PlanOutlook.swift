/// What a plan comes to, in one line, for whoever decides whether to wait: before a run begins, and below `--dry-run`.
enum PlanOutlook {
  /// A plan that takes longer than this many seconds says how to have less.
  private static let long = 1800.0

  /// `2620 repetitions in 262 cells, about 1 h 19 min and 125 MiB of disk space`; where that is long, what `--quick` would take.
  static func line(_ plan: Plan, library: SuiteLibrary) -> String {
    let estimate = PlanEstimate(plan)
    let size =
      "\(plan.steps.count) repetitions in \(plan.cells.count) cells, about \(TextTable.duration(estimate.seconds)) "
      + "and \(estimate.bytes >> 20) MiB of disk space"
    return [size, quick(plan, library: library, than: estimate.seconds)].compactMap { $0 }.joined(separator: "; ")
  }

  /// `--quick takes about 8 min 39 s, --suite NAME runs a part`; nil where the plan is short or quick.
  private static func quick(_ plan: Plan, library: SuiteLibrary, than seconds: Double) -> String? {
    guard seconds > long, !plan.request.quick else { return nil }
    var request = plan.request
    (request.quick, request.repetitions) = (true, nil)
    // Rows that are named may all be without the tag: then there is nothing quick to offer.
    guard let quick = try? Planner.plan(request, library: library, imageBytes: plan.imageBytes) else { return nil }
    return "--quick takes about \(TextTable.duration(PlanEstimate(quick).seconds)), --suite NAME runs a part"
  }
}
