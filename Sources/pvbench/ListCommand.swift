import ArgumentParser
import Campaign
import Foundation

/// `pvbench list`.
struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "What there is, with one line each.")

  @Argument(help: "\(Inventory.Kind.allCases.map(\.rawValue).joined(separator: ", ")); all of them without it.")
  var kind: Inventory.Kind?
  @Option(help: "A folder of suites that override the built-in ones.")
  var suites: String?
  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    let inventory = Inventory(library: try SuiteLibrary.load(directory: suites))
    let kinds = kind.map { [$0] } ?? Inventory.Kind.allCases
    Console.print(json ? inventory.json(kinds) + "\n" : inventory.text(kinds))
  }
}

extension Inventory.Kind: ExpressibleByArgument {}
