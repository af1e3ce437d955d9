import Foundation
import MachineLauncher
import Measurement

/// What there is to measure with: `pvbench list`.
public struct Inventory: Sendable {
  /// A list that can be asked for.
  public enum Kind: String, CaseIterable, Sendable {
    case suites, workloads, metrics, modes, runners
  }

  private struct Entry: Encodable {
    let name: String
    let summary: String
  }

  private let library: SuiteLibrary

  /// The inventory over these suites.
  public init(library: SuiteLibrary) { self.library = library }

  private func entries(_ kind: Kind) -> [Entry] {
    switch kind {
    case .suites:
      library.suites.map { Entry(name: $0.name, summary: "\($0.summary) (\($0.workloads.count) workloads)") }
    case .workloads:
      library.suites.flatMap(\.workloads).map { workload in
        let tags = workload.tags.isEmpty ? "" : " [\(workload.tags.joined(separator: ", "))]"
        return Entry(name: workload.id, summary: workload.summary + tags)
      }
    case .metrics:
      MetricCatalog.all.map { Entry(name: $0.id, summary: "\($0.label) (\($0.unit), \($0.better.rawValue) is better)") }
    case .runners: GuestRunner.allCases.map { Entry(name: $0.rawValue, summary: $0.summary) }
    case .modes:
      MachineProfile.modes.map { mode in
        let choices = mode.choices.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return Entry(name: mode.name, summary: "\(mode.summary): \(choices.joined(separator: " "))")
      }
        + MachineProfile.subsystems.flatMap { subsystem in
          subsystem.values.map {
            Entry(name: "\(subsystem.name)=\($0.name)", summary: "\(subsystem.summary): \($0.summary)")
          }
        }
    }
  }

  /// The lists for people; each with a heading where there are several.
  public func text(_ kinds: [Kind]) -> String {
    kinds.map { kind in
      var table = TextTable(columns: [kind.rawValue.uppercased(), ""])
      for entry in entries(kind) { table.add([entry.name, entry.summary]) }
      return table.text
    }.joined(separator: "\n")
  }

  /// The lists as an object: kind to `[{name, summary}]`.
  public func json(_ kinds: [Kind]) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
    let lists = Dictionary(uniqueKeysWithValues: kinds.map { ($0.rawValue, entries($0)) })
    return (try? encoder.encode(lists)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }
}
