import Measurement
import Statistics

/// What this project's statistics say: the same functions that SciPy is asked for. To compare another, add a row.
enum Answers {
  typealias Answer = @Sendable (Question) -> [Double?]

  static let all: [String: Answer] = [
    "quantile": { question in
      numbers(
        OrderStatistics.quantileEstimate(
          question.samples[0], quantile: question.parameter("quantile", default: 0.5),
          confidence: question.parameter("confidence", default: 0.95)))
    },
    "median": { numbers(OrderStatistics.medianEstimate($0.samples[0])) },
    "mann-whitney": { question in
      let (a, b) = (question.samples[0], question.samples[1])
      return [MannWhitney.test(a, b)?.p, MannWhitney.statistic(a, b)]
    },
    "sign-flip": { [SignFlip.test($0.samples[0])?.p] },
    "hodges-lehmann-paired": { numbers(HodgesLehmann.paired($0.samples[0])) },
    "hodges-lehmann-unpaired": { numbers(HodgesLehmann.unpaired($0.samples[0], $0.samples[1])) },
    "hodges-lehmann-ratio": { numbers(HodgesLehmann.unpairedRatio($0.samples[0], $0.samples[1])) },
    "holm": { Holm.adjusted($0.samples[0]).map { $0 } },
    "student-t": { question in
      let degrees = question.parameter("degrees", default: 1)
      return question.samples[0].map { StudentT.twoSidedP($0, degrees: degrees) }
    },
    "student-t-quantile": { question in
      let degrees = question.parameter("degrees", default: 1)
      return question.samples[0].map { StudentT.quantile(confidence: $0, degrees: degrees) }
    },
    "variance-split": { question in
      let split = VarianceSplit(builds(question.samples, boots: Int(question.parameter("boots", default: 1))))
      return [split?.mean, split?.withinBoots, split?.betweenBoots, split?.betweenBuilds, split?.halfWidth]
    },
    "shift-function": { question in
      let (histograms, boots) = (question.samples.map(histogram), Int(question.parameter("boots", default: 1)))
      return ShiftFunction.points(Array(histograms[..<boots]), Array(histograms[boots...]))
        .flatMap { [Double($0.a), Double($0.b)] + numbers($0.shift) }
    },
    "change-points": { question in
      let detection = ChangePoints(
        window: Int(question.parameter("window", default: 50)),
        minimumMagnitude: question.parameter("magnitude", default: 0))
      let points = detection.find(in: question.samples[0])
      return points.map { Double($0.index) } + points.map(\.p)
    },
    "night-alarm": { question in
      let finding = NightAlarm.lastNight(of: question.samples[0])
      return [finding?.change, finding?.fence]
    },
    "universal-scalability": { question in
      let law = UniversalScalability(zip(question.samples[0], question.samples[1]).map { (n: $0, throughput: $1) })
      return numbers(law?.gamma) + numbers(law?.alpha) + numbers(law?.beta)
    },
  ]

  /// The answer to `question`; nil for a function that nobody knows.
  static func answer(to question: Question) -> [Double?]? { all[question.function]?(question) }

  private static func builds(_ samples: [[Double]], boots: Int) -> [[[Double]]] {
    stride(from: 0, to: samples.count, by: boots).map { Array(samples[$0..<min($0 + boots, samples.count)]) }
  }

  private static func histogram(_ samples: [Double]) -> Histogram {
    samples.reduce(into: Histogram()) { $0.record(UInt64($1)) }
  }

  private static func numbers(_ estimate: Estimate?) -> [Double?] { [estimate?.value, estimate?.low, estimate?.high] }
}
