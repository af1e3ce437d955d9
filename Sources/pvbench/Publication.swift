import Campaign
import Foundation
import Measurement
import Reporting
import ResultStore

/// A run's files, and what is printed when it is over.
enum Publication {
  /// Writes every format that runs are kept in into the run's folder.
  static func publish(_ run: RunRecord, in folder: RunFolder) throws {
    for format in ReportFormat.all where format.isKept {
      for file in format.files { try folder.write(try file.render(run, ReportOptions()), to: file.name) }
    }
  }

  /// `run.json`'s content.
  static func json(_ run: RunRecord) throws -> String { String(decoding: try RunJSON.render(run), as: UTF8.self) }

  /// The primary metric of each workload in every mode, with its ratio and verdict, and where the report is; nil where it could
  /// not be written.
  static func summary(_ run: RunRecord, report: String?) -> String {
    ResultTable(run).text + "\nrun \(run.status.rawValue); \(report.map { "report: \($0)" } ?? "no report")\n"
  }
}
