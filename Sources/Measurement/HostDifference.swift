/// A fact of two hosts, or of one host at two times, that is not the same.
public struct HostDifference: Codable, Sendable, Equatable {
  /// `kernel`, `cpu model_name`, `configuration microcode`.
  public var fact: String
  /// What it was first; nil where nobody knew.
  public var a: String?
  /// What it was then.
  public var b: String?

  /// A difference; see the properties.
  public init(fact: String, a: String?, b: String?) {
    self.fact = fact
    self.a = a
    self.b = b
  }

  /// Everything in which two hosts differ, by name. Of who counts exits only that somebody does or does not, where both runs
  /// have asked: how many exits they were asked with is no fact of the host.
  public static func all(_ a: HostRecord, _ b: HostRecord) -> [HostDifference] {
    between(facts(a), facts(b)).filter { difference in
      guard difference.fact.hasPrefix("kvm exit_sources ") else { return true }
      return difference.fact.hasSuffix(" counts") && difference.a != nil && difference.b != nil
    }
  }

  /// What of two hosts' hardware differs, which is most of what makes their fingerprints.
  public static func hardware(_ a: HostRecord, _ b: HostRecord) -> [HostDifference] {
    func hardware(_ host: HostRecord) -> [String: String] {
      facts(host).filter { $0.key.hasPrefix("cpu ") || $0.key.hasPrefix("numa ") }
    }
    return between(hardware(a), hardware(b))
  }

  /// What of a host's configuration differs.
  public static func configuration(_ a: [String: JSONValue], _ b: [String: JSONValue]) -> [HostDifference] {
    between(JSONValue.object(a).leaves(), JSONValue.object(b).leaves())
  }

  /// `kernel: 6.1 in A, 6.6 in B`.
  public func words(_ first: String, _ second: String) -> String {
    "\(fact): \(a ?? "unknown") \(first), \(b ?? "unknown") \(second)"
  }

  private static func between(_ a: [String: String], _ b: [String: String]) -> [HostDifference] {
    Set(a.keys).union(b.keys).sorted().filter { a[$0] != b[$0] }
      .map { HostDifference(fact: $0, a: a[$0], b: b[$0]) }
  }

  /// Each fact once: the configuration has the kernel's release and KVM's parameters a second time.
  private static func facts(_ host: HostRecord) -> [String: String] {
    var configuration = host.configuration
    configuration["kernel_release"] = nil
    configuration["kvm_parameters"] = nil
    var facts = ["fingerprint": host.fingerprint, "kernel": host.kernel]
    for (index, node) in host.numa.enumerated() { facts.merge(node.leaves("numa node \(index)")) { first, _ in first } }
    for (group, values) in [("cpu", host.cpu), ("kvm", host.kvm), ("configuration", configuration)] {
      facts.merge(JSONValue.object(values).leaves(group)) { first, _ in first }
    }
    return facts
  }
}

extension JSONValue {
  /// What is in an object, however deep, by the names on the way; a value that is none is by `name` itself.
  fileprivate func leaves(_ name: String = "") -> [String: String] {
    guard case .object(let members) = self else { return [name: words] }
    return members.reduce(into: [:]) { leaves, member in
      leaves.merge(member.value.leaves(name.isEmpty ? member.key : "\(name) \(member.key)")) { first, _ in first }
    }
  }

  /// The value in a line for people.
  public var words: String {
    switch self {
    case .null: "unknown"
    case .bool(let flag): flag ? "yes" : "no"
    case .number(let number): Int64(exactly: number).map { "\($0)" } ?? "\(number)"
    case .string(let text): text
    case .array(let values): values.map(\.words).joined(separator: ", ")
    case .object(let members):
      members.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.words)" }.joined(separator: ", ")
    }
  }
}
