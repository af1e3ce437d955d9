import ArgumentParser
import Campaign
import Foundation

/// When output is coloured.
enum ColorChoice: String, ExpressibleByArgument, CaseIterable {
  case auto, always, never

  /// Whether to colour what goes to a terminal, or elsewhere.
  func isOn(onTerminal isTerminal: Bool) -> Bool {
    let allowsColor = ProcessInfo.processInfo.environment["NO_COLOR", default: ""].isEmpty
    return self == .always || self == .auto && allowsColor && isTerminal
  }
}

/// Standard output is data, standard error is progress and diagnostics.
enum Console {
  /// Writes `text` as it is to standard output.
  static func print(_ text: String) { FileHandle.standardOutput.write(Data(text.utf8)) }

  /// How wide standard output is, 80 where it is no terminal, and whether it is one.
  static var outputColumns: (columns: Int, isTerminal: Bool) {
    var size = winsize()
    let isTerminal = ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    return (isTerminal ? Int(size.ws_col) : 80, isTerminal)
  }

  /// Writes `bytes` as they are to standard output.
  @Sendable static func write(_ bytes: [UInt8]) { FileHandle.standardOutput.write(Data(bytes)) }

  /// Writes `text` as it is to standard error.
  @Sendable static func note(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }

  /// One line: `pvbench: …`.
  static func diagnose(_ message: String) { note("pvbench: \(message)\n") }
}

/// The options that every long-running command has in common.
struct ConsoleOptions: ParsableArguments {
  @Flag(help: "Print the machine form (JSON) instead of tables.")
  var json = false
  @Flag(help: "No progress, only what went wrong.")
  var quiet = false
  @Flag(help: "Also the runners' command lines and diagnostics.")
  var verbose = false
  @Flag(help: "Plain lines in place of a progress bar.")
  var noProgress = false
  @Option(help: "Colour: auto, always or never (NO_COLOR counts for auto).")
  var color = ColorChoice.auto

  /// The sink that these options and the terminal ask for.
  var progress: any ProgressSink {
    if quiet { return SilentProgress() }
    var size = winsize()
    let isTerminal = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    guard isTerminal, !noProgress else { return PlainProgress(isVerbose: verbose, write: Console.note) }
    return TerminalProgress(
      isVerbose: verbose, usesColor: color.isOn(onTerminal: true), columns: Int(size.ws_col),
      write: Console.note)
  }
}
