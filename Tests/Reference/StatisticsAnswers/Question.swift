/// One case: a function of `Statistics` by name, and what it is given.
struct Question: Codable {
  /// A name of `Answers.all`.
  var function: String
  /// The sets of observations, in the order of the function's arguments.
  var samples: [[Double]]
  /// Its other arguments, by name.
  var parameters: [String: Double]?

  /// A parameter, or what it is where a case leaves it out.
  func parameter(_ name: String, default value: Double) -> Double { parameters?[name] ?? value }
}

/// A question of the golden file, with what SciPy answers.
struct Vector: Codable {
  var question: Question
  /// What the reference says; `null` where there is no such number.
  var expected: [Double?]
  /// The largest difference allowed of each, relative to values above one.
  var tolerances: [Double]
}
