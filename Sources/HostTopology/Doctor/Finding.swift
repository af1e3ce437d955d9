/// How to change what was found.
public struct Remedy: Equatable, Sendable {
  /// A line for root's shell, or a few words where no command does it.
  public let command: String
  /// The same as writes, where pvbench may do it and can take it back. Never a parameter of the kernel or of a module.
  public let settings: [Setting]

  /// The command, or the words as a comment: a line that a shell takes.
  public var line: String { isCommand ? command : "# \(command)" }

  private let isCommand: Bool

  /// Words for what no command does.
  static func advice(_ words: String) -> Remedy { Remedy(words, settings: [], isCommand: false) }

  init(_ command: String, settings: [Setting] = []) {
    self.init(command, settings: settings, isCommand: true)
  }

  private init(_ command: String, settings: [Setting], isCommand: Bool) {
    self.command = command
    self.settings = settings
    self.isCommand = isCommand
  }

  /// Writes `value` into every one of `paths`; `pattern` names them all in a shell.
  init(writing value: String, to paths: [String], pattern: String) {
    self.init("echo \(value) | tee \(pattern)", settings: paths.map { Setting(path: $0, value: value) })
  }
}

/// What one check says of a host.
public enum Verdict: Equatable, Sendable {
  /// As it should be.
  case ok(String)
  /// Less than fit to measure; the remedy is nil where nobody can help it.
  case warning(String, Remedy?)
  /// The host does not tell; why.
  case cannotTell(String)
}

/// The result of one check (methodology, section 6).
public struct Finding: Equatable, Sendable {
  /// `frequency.governor`, …
  public let id: String
  /// Found, and how to change it.
  public let verdict: Verdict
  /// Why it matters to a measurement, a few words.
  public let why: String

  /// A finding; see the properties.
  public init(id: String, verdict: Verdict, why: String) {
    self.id = id
    self.verdict = verdict
    self.why = why
  }

  /// What was found, or why it cannot be told.
  public var text: String {
    switch verdict {
    case .ok(let text), .warning(let text, _), .cannotTell(let text): text
    }
  }

  /// How to change it; nil where it need not, or cannot, be changed.
  public var remedy: Remedy? { if case .warning(_, let remedy) = verdict { remedy } else { nil } }

  /// True where nothing can be measured here: there is no KVM.
  public var isFatal: Bool { isWarning && id == HostCheck.device }

  /// True where the host is less than fit.
  public var isWarning: Bool { if case .warning = verdict { true } else { false } }

  /// The warning as the record of a run has it; nil where there is none.
  var warning: String? { isWarning ? "\(text) (\(why))" : nil }
}
