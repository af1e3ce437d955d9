import MachineLauncher

/// In which order repetitions run.
public enum ScheduleOrder: String, Codable, Sendable, CaseIterable {
  /// Rounds of one repetition of every cell. A workload's modes follow one another, alternating A B, B A: drift hits them alike,
  /// and what changes from minute to minute is inside every cell's interval (docs/decisions/0018-spread-repetitions.md).
  case interleaved
  /// All repetitions of a mode before the next mode.
  case sequential
}

/// What a user asked for. Absent fields take their defaults; a resumed run compares those that are given with its own.
public struct RunRequest: Codable, Equatable, Sendable {
  /// Suite names; empty for all.
  public var suites: [String] = []
  /// Workload patterns; empty for all.
  public var workloads: [String] = []
  /// Mode names; empty for every base mode.
  public var modes: [String] = []
  /// Variants of each mode: `key=value` lists.
  public var variants: [[String]] = []
  /// Also `full`, `paravirt` and every mode that is one choice away from either.
  public var ablate = false
  /// Repetitions of each cell.
  public var repetitions: Int?
  /// Short windows, six repetitions, and only rows tagged `quick` unless workloads are named.
  public var quick = false
  /// Seed of images and access patterns.
  public var seed: UInt64?
  /// Schedule.
  public var order: ScheduleOrder?
  /// Guest RAM in bytes.
  public var memory: UInt64?
  /// vCPUs.
  public var vcpus: Int?
  /// `auto`, `node=N`, `spread` or `remote`: where every guest goes on a host with several NUMA nodes, unless its choices say
  /// otherwise.
  public var numa: String?
  /// A file or block device in place of the run's own image.
  public var disk: String?
  /// Programs that run the guests, each every cell; nil for the builtin one only.
  public var runners: [GuestRunner]?

  /// Disturbances that leave a repetition valid; nil for none.
  public var tolerated: [Disturbance]?

  /// A time line of every repetition; nil for none.
  public var timeline: Bool?

  /// Kernel and initial ramdisk of `guest: linux` workloads.
  public var linuxKernel: String?
  /// See `linuxKernel`.
  public var linuxInitrd: String?
  /// Start Linux guests even where ring 0 is interpreted.
  public var isForced: Bool?

  /// Everything with its default.
  public init() {}

  /// The node of `node=N`; nil for every other request.
  var numaNode: Int? {
    guard let numa, numa.hasPrefix("node=") else { return nil }
    return UInt16(numa.dropFirst("node=".count)).map(Int.init)
  }

  /// The value of the choice `numa` that every mode is given; nil where they keep their own.
  func numaChoice() throws(CampaignError) -> String? {
    switch numa {
    case nil, "auto": return nil
    case "spread", "remote": return numa
    default:
      guard numaNode != nil else { throw .usage("--numa \(numa ?? ""): expected auto, node=N, spread or remote") }
      return nil
    }
  }

  /// Takes from the configuration what no flag said; `--quick` says how many repetitions.
  public mutating func fill(from configuration: Configuration) {
    seed = seed ?? configuration.seed
    repetitions = repetitions ?? (quick ? nil : configuration.reps)
    order = order ?? configuration.order
    tolerated = tolerated ?? configuration.tolerated
  }

  /// The runners of these names, each once; nil where there are none.
  public static func runners(_ names: [String]) throws(CampaignError) -> [GuestRunner]? {
    var runners: [GuestRunner] = []
    for name in names {
      guard let runner = GuestRunner(rawValue: name) else {
        throw .unknown("runner", name, of: GuestRunner.allCases.map(\.rawValue))
      }
      if !runners.contains(runner) { runners.append(runner) }
    }
    return runners.isEmpty ? nil : runners
  }

  /// The first thing that this request asks for explicitly and that `planned` had otherwise; nil where they agree.
  func conflict(with planned: RunRequest) -> String? {
    func differ<Value: Equatable>(_ name: String, _ asked: Value?, _ had: Value?) -> String? {
      guard let asked, asked != had else { return nil }
      let found = had.map { "\($0)" } ?? "the default"
      return "--\(name) \(asked), but the run was planned with \(found)"
    }
    func list(_ values: [String]) -> String? { values.isEmpty ? nil : values.joined(separator: ",") }
    func variants(_ request: RunRequest) -> String? { list(request.variants.map { $0.joined(separator: "+") }) }
    func disturbances(_ request: RunRequest) -> String? { list((request.tolerated ?? []).map(\.rawValue)) }
    let differences: [String?] = [
      differ("seed", seed, planned.seed),
      differ("reps", repetitions, planned.repetitions),
      differ("order", order?.rawValue, planned.order?.rawValue),
      differ("memory", memory, planned.memory),
      differ("vcpus", vcpus, planned.vcpus),
      differ("numa", numa, planned.numa),
      differ("disk", disk, planned.disk),
      differ(
        "runner", runners.flatMap { list($0.map(\.rawValue)) }, list((planned.runners ?? [.builtin]).map(\.rawValue))),
      differ("linux-kernel", linuxKernel, planned.linuxKernel),
      differ("linux-initrd", linuxInitrd, planned.linuxInitrd),
      differ("tolerate", disturbances(self), disturbances(planned)),
      differ("timeline", timeline, planned.timeline),
      differ("force", isForced, planned.isForced),
      differ("suite", list(suites), list(planned.suites)),
      differ("workload", list(workloads), list(planned.workloads)),
      differ("mode", list(modes), list(planned.modes)),
      differ("with", variants(self), variants(planned)),
      differ("ablate", ablate ? true : nil, planned.ablate),
      differ("quick", quick ? true : nil, planned.quick),
    ]
    return differences.compactMap { $0 }.first
  }
}
