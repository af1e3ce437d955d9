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

  /// The modes that have to be added to `modes` for `workload`: greedily, the machine with most new pairs first. A pair that no
  /// machine of this workload can have is not asked for.
  static func modes(for workload: Workload, beside modes: [Mode], imageBytes: UInt64) -> [Mode] {
    let candidates = candidates(for: workload).filter {
      Feasibility.obstacle(workload, in: $0, imageBytes: imageBytes) == nil
    }
    let used = MachineProfile.subsystems.map(\.name).filter(workload.uses)
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
    for subsystem in MachineProfile.subsystems where workload.uses(subsystem.name) {
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

  private static func pairs(of mode: Mode, _ subsystems: [String]) -> [Pair] {
    let choices = subsystems.compactMap { name in mode.choices[name].map { "\(name)=\($0)" } }
    return choices.indices.flatMap { index in
      choices[(index + 1)...].map { Pair(first: choices[index], second: $0) }
    }
  }
}
