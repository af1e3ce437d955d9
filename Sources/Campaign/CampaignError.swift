/// Why a campaign cannot begin or go on. Each case says what the process should exit with (BSD `sysexits.h`, as
/// interface.md lists them); the text is one line for the user.
public enum CampaignError: Error, Equatable, CustomStringConvertible {
  /// What was asked for makes no sense: 64.
  case usage(String)
  /// This host cannot do it: 69.
  case host(String)
  /// It was tried and did not work: 1.
  case failure(String)

  /// The one line, without the program's name.
  public var description: String {
    switch self {
    case .usage(let text), .host(let text), .failure(let text): text
    }
  }

  /// The process's exit code.
  public var exitCode: Int32 {
    switch self {
    case .usage: 64
    case .host: 69
    case .failure: 1
    }
  }

  /// An unknown name of something, with the nearest name that exists.
  public static func unknown(_ kind: String, _ name: String, of candidates: [String]) -> CampaignError {
    .usage("unknown \(kind) '\(name)'" + NearestName.hint(for: name, in: candidates))
  }
}
