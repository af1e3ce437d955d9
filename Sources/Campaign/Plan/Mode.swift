import MachineLauncher

/// A row of choices with its canonical name: `full`, `paravirt`, or a base row with the choices that differ from it in
/// alphabetical order, `full+cpuid=kvm+disk=virtio-blk`.
public struct Mode: Codable, Equatable, Sendable {
  /// Canonical name.
  public let name: String
  /// The row it starts from.
  public let base: String
  /// Every subsystem's value.
  public let choices: [String: String]

  /// The row `base` with `choices`; takes another row's name where it is that row exactly.
  init(base: String, choices: [String: String]) {
    if let row = MachineProfile.modes.first(where: { $0.choices == choices }) {
      (name, self.base) = (row.name, row.name)
    } else {
      let row = MachineProfile.choices(of: base) ?? [:]
      let differences = choices.filter { row[$0.key] != $0.value }.sorted { $0.key < $1.key }
      name = ([base] + differences.map { "\($0.key)=\($0.value)" }).joined(separator: "+")
      self.base = base
    }
    self.choices = choices
  }

  /// Choices that differ from the base row.
  var overrides: [String: String] {
    let row = MachineProfile.choices(of: base) ?? [:]
    return choices.filter { row[$0.key] != $0.value }
  }

  /// Reads `full` or `full+disk=virtio-blk`.
  static func parse(_ text: String) throws(CampaignError) -> Mode {
    let parts = text.split(separator: "+", omittingEmptySubsequences: false).map(String.init)
    let base = parts.first ?? ""
    guard let choices = MachineProfile.choices(of: base) else {
      throw .unknown("mode", base, of: MachineProfile.modes.map(\.name))
    }
    return try Mode(base: base, choices: choices).applying(Array(parts.dropFirst()))
  }

  /// This mode with `key=value` choices changed.
  func applying(_ settings: [String]) throws(CampaignError) -> Mode {
    var choices = choices
    for setting in settings {
      let parts = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 2 else { throw .usage("'\(setting)': expected a choice such as disk=virtio-blk") }
      guard let subsystem = MachineProfile.subsystems.first(where: { $0.name == parts[0] }) else {
        throw .unknown("choice", parts[0], of: MachineProfile.subsystems.map(\.name))
      }
      guard subsystem.values.contains(where: { $0.name == parts[1] }) else {
        throw .unknown("value of \(subsystem.name)", parts[1], of: subsystem.values.map(\.name))
      }
      choices[parts[0]] = parts[1]
    }
    return Mode(base: base, choices: choices)
  }

  /// `full`, then it with each choice in which `paravirt` differs, then `paravirt` with each of those taken back, then
  /// `paravirt`: what `Attribution` needs to say which choice gains what.
  static var ablation: [Mode] {
    guard let full = MachineProfile.choices(of: "full"), let paravirt = MachineProfile.choices(of: "paravirt") else {
      return []
    }
    let differing = MachineProfile.subsystems.map(\.name).filter { full[$0] != paravirt[$0] }
    func neighbours(of base: String, _ choices: [String: String], towards other: [String: String]) -> [Mode] {
      differing.map { name in Mode(base: base, choices: choices.merging([name: other[name] ?? ""]) { $1 }) }
    }
    return [Mode(base: "full", choices: full)] + neighbours(of: "full", full, towards: paravirt)
      + neighbours(of: "paravirt", paravirt, towards: full) + [Mode(base: "paravirt", choices: paravirt)]
  }

  /// The modes that a request means, without repetition: those named (every row where none is), each with its variants,
  /// then the ablation's.
  static func resolve(_ request: RunRequest) throws(CampaignError) -> [Mode] {
    var modes: [Mode] = []
    func add(_ mode: Mode) {
      if !modes.contains(where: { $0.choices == mode.choices }) { modes.append(mode) }
    }
    if request.modes.isEmpty, request.ablate {
      Self.ablation.forEach(add)
    }
    let named = request.modes.isEmpty ? MachineProfile.modes.map(\.name) : request.modes
    let placement = try request.numaChoice().map { ["numa=\($0)"] } ?? []
    var bases: [Mode] = []
    for name in named { bases.append(try parse(name).applying(placement)) }
    bases.forEach(add)
    for variant in request.variants {
      for base in bases { add(try base.applying(variant)) }
    }
    if request.ablate { Self.ablation.forEach(add) }
    return modes
  }
}
