import MachineLauncher

/// Modes between the two ends in which every pair of choices occurs at least once, as far as it can (pairwise testing; Cohen,
/// Dalal, Fredman, Patton, "The AETG System", IEEE TSE 1997): what breaks in combination breaks most often in a pair, and a
/// dozen machines hold every pair where thousands would hold every combination.
enum CoveringSet {
  /// Two choices of one machine.
  private struct Pair: Hashable {
    let first: String
    let second: String
  }

  /// A workload and the modes that it is going to be measured in.
  struct Row {
    let workload: Workload
    var modes: [Mode]
  }

  /// Adds modes: to rows tagged `pairwise` those in which every pair of choices occurs, and then, for each choice that occurs
  /// nowhere yet, one to the first row that can have it. Rows of tools on Linux stay as they are: most hosts lack their guest.
  static func extend(_ rows: inout [Row], imageBytes: UInt64) {
    for index in rows.indices where rows[index].workload.tags.contains("pairwise") {
      rows[index].modes += modes(for: rows[index].workload, beside: rows[index].modes, imageBytes: imageBytes)
    }
    for subsystem in MachineProfile.subsystems where !subsystem.isPlacement {
      for value in subsystem.values where !subsystem.rareValues.contains(value.name) {
        let setting = [subsystem.name: value.name]
        guard !rows.contains(where: { $0.measures(setting, imageBytes) }),
          let (index, mode) = firstMode(with: setting, among: rows, imageBytes)
        else { continue }
        rows[index].modes.append(mode)
      }
    }
  }

  /// The first row that can have this choice, and its last mode with it.
  private static func firstMode(
    with setting: [String: String], among rows: [Row], _ imageBytes: UInt64
  ) -> (index: Int, mode: Mode)? {
    for (index, row) in rows.enumerated()
    where row.workload.tool == nil && setting.keys.allSatisfy(row.workload.uses) {
      for mode in row.modes.reversed() {
        let candidate = Mode(base: mode.base, choices: mode.choices.merging(setting) { $1 })
        let isPossible = Feasibility.obstacle(row.workload, in: candidate, imageBytes: imageBytes) == nil
        if isPossible { return (index, candidate) }
      }
    }
    return nil
  }

  /// The modes that have to be added to `modes` for `workload`: greedily, the machine with most new pairs first. A pair that no
  /// machine of this workload can have is not asked for.
  static func modes(for workload: Workload, beside modes: [Mode], imageBytes: UInt64) -> [Mode] {
    let candidates = candidates(for: workload).filter {
      Feasibility.obstacle(workload, in: $0, imageBytes: imageBytes) == nil
    }
    let used = subsystems(of: workload).map(\.name)
    var missing = candidates.reduce(into: Set<Pair>()) { $0.formUnion(pairs(of: $1, used)) }
    for mode in modes { missing.subtract(pairs(of: mode, used)) }
    var chosen: [Mode] = []
    while !missing.isEmpty {
      var best: (mode: Mode, gain: Int)?
      for candidate in candidates {
        let gain = pairs(of: candidate, used).count { missing.contains($0) }
        if gain > best?.gain ?? 0 { best = (candidate, gain) }
      }
      guard let mode = best?.mode else { break }
      chosen.append(mode)
      missing.subtract(pairs(of: mode, used))
    }
    return chosen
  }

  /// Every machine of the subsystems that the workload uses, named after the end that it is closer to.
  private static func candidates(for workload: Workload) -> [Mode] {
    var machines: [[String: String]] = [[:]]
    for subsystem in subsystems(of: workload) {
      machines = machines.flatMap { machine in
        subsystem.values.filter { !subsystem.rareValues.contains($0.name) }.map {
          machine.merging([subsystem.name: $0.name]) { $1 }
        }
      }
    }
    return machines.compactMap { machine in
      MachineProfile.modes.map { Mode(base: $0.name, choices: $0.choices.merging(machine) { $1 }) }
        .min { $0.overrides.count < $1.overrides.count }
    }
  }

  /// What the workload's machine is made of.
  private static func subsystems(of workload: Workload) -> [Subsystem] {
    MachineProfile.subsystems.filter { workload.uses($0.name) && !$0.isPlacement }
  }

  private static func pairs(of mode: Mode, _ subsystems: [String]) -> [Pair] {
    let choices = subsystems.compactMap { name in mode.choices[name].map { "\(name)=\($0)" } }
    return choices.indices.flatMap { index in
      choices[(index + 1)...].map { Pair(first: choices[index], second: $0) }
    }
  }
}

extension CoveringSet.Row {
  /// True where a cell of this row has the choice and can be measured.
  fileprivate func measures(_ setting: [String: String], _ imageBytes: UInt64) -> Bool {
    setting.allSatisfy { name, value in
      workload.uses(name)
        && modes.contains { mode in
          (workload.parameter(name) ?? mode.choices[name]) == value
            && Feasibility.obstacle(workload, in: mode, imageBytes: imageBytes) == nil
        }
    }
  }
}
