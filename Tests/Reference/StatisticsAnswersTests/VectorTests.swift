import Foundation
import Testing

@testable import statistics_answers

/// Answers of SciPy, as `make test-statistics` writes them (Tests/Reference/statistics).
struct VectorTests {
  static let vectors = Result {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "Fixtures/statistics/vectors.json")
    return try JSONDecoder().decode([Vector].self, from: Data(contentsOf: file))
  }

  @Test(arguments: Answers.all.keys.sorted()) func answersAreThoseOfTheReference(function: String) throws {
    let vectors = try Self.vectors.get().filter { $0.question.function == function }
    #expect(vectors.count >= 24)
    for vector in vectors {
      let answer = try #require(Answers.answer(to: vector.question))
      #expect(answer.map { $0 == nil } == vector.expected.map { $0 == nil }, "\(vector.question)")
      let differences = zip(answer, vector.expected).map { found, wanted in
        abs((found ?? 0) - (wanted ?? 0)) / max(1, abs(wanted ?? 0))
      }
      #expect(zip(differences, vector.tolerances).allSatisfy { $0 <= $1 }, "\(vector.question): \(answer)")
    }
  }

  @Test func everyVectorAsksForAFunctionThatExists() throws {
    let names = Set(try Self.vectors.get().map(\.question.function))
    #expect(names == Set(Answers.all.keys))
  }
}
