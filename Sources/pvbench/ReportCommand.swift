import ArgumentParser
import Campaign
import Foundation
import Reporting
import ResultStore

/// `pvbench report`.
struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "report", abstract: "Render a stored run again.")

  @Argument(help: ArgumentHelp("A run: its folder, or its id in the folder of runs.", valueName: "run"))
  var name: String
  @Option(help: "Formats, with commas: \(ReportFormat.all.map(\.name).joined(separator: ", ")); html.")
  var format: [String] = ["html"]
  @Option(help: "The folder for the files; the run's own.")
  var out: String?

  func run() throws {
    let settings = try Configuration.load(environment: ProcessInfo.processInfo.environment)
    let formats = try format.flatMap { $0.split(separator: ",") }.map { name in
      guard let format = ReportFormat.named(String(name)) else {
        throw CampaignError.unknown("format", String(name), of: ReportFormat.all.map(\.name))
      }
      return format
    }
    let folder = try StoredRun.find(name, in: settings.out ?? CampaignOptions.defaultOut)
    let record = try StoredRun.record(of: folder)
    let destination = out ?? folder.path
    do {
      try FileManager.default.createDirectory(atPath: destination, withIntermediateDirectories: true)
      for file in formats.flatMap(\.files) {
        let path = "\(destination)/\(file.name)"
        try AtomicFile.write(try file.render(record, ReportOptions()), to: path)
        Console.print(path + "\n")
      }
    } catch let error as CocoaError {
      throw CampaignError.failure("cannot make \(destination): \(error.localizedDescription)")
    } catch {
      throw CampaignError.failure("\(error)")
    }
  }
}
