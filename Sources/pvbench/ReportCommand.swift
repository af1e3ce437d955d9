import ArgumentParser
import Campaign
import Foundation
import Measurement
import Reporting
import ResultStore

/// `pvbench report`.
struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "report", abstract: "Render a stored run again.")

  @Argument(help: ArgumentHelp("A run: its folder, or its id in the folder of runs.", valueName: "run"))
  var name: String
  @Option(help: "Formats, with commas: \(ReportFormat.all.map(\.name).joined(separator: ", ")); html.")
  var format: [String] = ["html"]
  @Option(help: "The folder for the files, or - for stdout where there is one file; the run's own folder.")
  var out: String?
  @Option(help: "A folder laid out as report-templates, whose files replace the built-in ones.")
  var templates: String?
  @Flag(help: "Leave out the host's name, paths, addresses and serial numbers, to share the report.")
  var anonymize = false

  func run() throws {
    let settings = try Configuration.load(environment: ProcessInfo.processInfo.environment)
    let formats = try format.flatMap { $0.split(separator: ",") }.map { name in
      guard let format = ReportFormat.named(String(name)) else {
        throw CampaignError.unknown("format", String(name), of: ReportFormat.all.map(\.name))
      }
      return format
    }
    let files = formats.flatMap(\.files)
    if out == "-", files.count != 1 {
      throw CampaignError.usage("--out - takes one file, these formats are \(files.count)")
    }
    let folder = try StoredRun.find(name, in: settings.out ?? CampaignOptions.defaultOut)
    if anonymize, out == nil {
      throw CampaignError.usage("--anonymize needs --out: the run's own files stay as they are")
    }
    do {
      let stored = try StoredRun.record(of: folder)
      let record = anonymize ? try Anonymizer.anonymized(stored) : stored
      try write(files, of: record, to: out ?? folder.path)
    } catch let error as CampaignError {
      throw error
    } catch let error as CocoaError {
      throw CampaignError.failure("cannot make \(out ?? folder.path): \(error.localizedDescription)")
    } catch {
      throw CampaignError.failure("\(error)")
    }
  }

  private func write(_ files: [ReportFormat.File], of run: RunRecord, to destination: String) throws {
    let options = ReportOptions(templates: templates)
    if destination == "-" { return Console.print(String(decoding: try files[0].render(run, options), as: UTF8.self)) }
    try FileManager.default.createDirectory(atPath: destination, withIntermediateDirectories: true)
    for file in files {
      let path = "\(destination)/\(file.name)"
      try AtomicFile.write(try file.render(run, options), to: path)
      Console.print(path + "\n")
    }
  }
}
