import MachineLauncher

/// What the exit loop notes of each exit. It is chosen once, before the guest runs: the loop is compiled for each, and what is
/// not asked for is not in it.
protocol ExitLook {
  /// True where the TSC is read on both sides of the handler.
  static var hasStamps: Bool { get }
  /// True where those times go into histograms.
  static var hasHistograms: Bool { get }
  /// True where every exit goes into a time line.
  static var hasTimeline: Bool { get }
}

extension ExitLook {
  static var hasTimeline: Bool { false }
}

/// The default: everything.
enum WholeLook: ExitLook {
  static var hasStamps: Bool { true }
  static var hasHistograms: Bool { true }
}

/// Times, but only their sums.
enum SumsLook: ExitLook {
  static var hasStamps: Bool { true }
  static var hasHistograms: Bool { false }
}

/// Counts without times.
enum CountsLook: ExitLook {
  static var hasStamps: Bool { false }
  static var hasHistograms: Bool { false }
}

/// Everything, and every exit by itself.
enum TimelineLook: ExitLook {
  static var hasStamps: Bool { true }
  static var hasHistograms: Bool { true }
  static var hasTimeline: Bool { true }
}
