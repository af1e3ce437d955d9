/// One thing to look at before measuring, a row: what it is called, why it matters, and how to look.
struct HostCheck: Sendable {
  let id: String
  /// A few words that follow what was found.
  let why: String
  /// The verdict; nil where this host has no such thing. A file that cannot be read becomes "cannot tell" with the reason (a
  /// closure of several statements has its typed error not inferred).
  let look: @Sendable (HostReading) throws -> Verdict?

  /// Every check, in the order of a report.
  static let all = processor + time + load + memory + virtualisation + limits + storage

  /// Looks at the host.
  func finding(_ host: HostReading) -> Finding? {
    do {
      return try look(host).map { Finding(id: id, verdict: $0, why: why) }
    } catch {
      return Finding(id: id, verdict: .cannotTell("\(error)"), why: why)
    }
  }
}

extension HostProbe {
  /// What every check says of this host; nothing is changed.
  ///
  /// - Parameters:
  ///   - vcpus: vCPUs of the largest guest that will run.
  ///   - results: the folder that runs are made in.
  public func findings(vcpus: Int = 1, results: String = "results") -> [Finding] {
    let host = reading(vcpus: vcpus, results: results)
    return HostCheck.all.compactMap { $0.finding(host) }
  }
}
