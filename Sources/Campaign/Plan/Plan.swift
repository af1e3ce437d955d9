import MachineLauncher
import Measurement
import PVWire

/// A workload in one mode, as it is going to be measured.
public struct PlannedCell: Codable, Equatable, Sendable {
  /// The row, complete: a resumed run must mean the same by its name.
  public var workload: Workload
  /// The machine.
  public var mode: Mode
  /// The program that runs the guests; nil for the builtin one.
  public var runner: GuestRunner?
  /// Discarded before each window, nanoseconds.
  public var warmupNanoseconds: UInt64
  /// Each window, nanoseconds.
  public var windowNanoseconds: UInt64
  /// Why it cannot be measured here; nil where it can.
  public var skipReason: String?

  /// The machine's choices as this workload runs on it: those that it uses, and a parameter that the row fixes wins.
  public var choices: [String: String] {
    mode.choices.filter { workload.uses($0.key) }.reduce(into: [:]) {
      $0[$1.key] = workload.parameter($1.key) ?? $1.value
    }
  }

  /// Its guest boots in a run of `asked` repetitions.
  func repetitions(of asked: Int) -> Int { min(asked, workload.repetitions ?? asked) }

  /// True where the guest's disk is the image; memory and null back ends begin and end with their runner.
  var usesImage: Bool { workload.isDisk && ["file", "cached", "sqpoll"].contains(choices["backend"] ?? "file") }

  /// True where the image is read through the host's page cache, which has to hold it.
  var isCached: Bool { workload.isDisk && choices["backend"] == "cached" }

  /// The cell's key in results.
  public var key: CellKey { CellKey(suite: workload.suite, workload: workload.id, mode: label) }

  /// The mode as results name it, with its runner.
  public var label: String { ModeLabel.label(mode.name, runner: runner?.rawValue) }

  /// True where the runner's own loop sees its guests' exits.
  var isCounted: Bool { skipReason == nil && program == .builtin && workload.tool == nil }

  /// The program that runs the guests.
  var program: GuestRunner { runner ?? .builtin }
}

/// One repetition in the schedule; its place there is its `order`.
public struct PlannedStep: Codable, Equatable, Sendable {
  /// Index in `Plan.cells`.
  public var cell: Int
  /// 0-based repetition of that cell.
  public var index: Int
}

/// Everything that a run is going to do, in order. Saved in the run's folder, so that a run can go on.
public struct Plan: Codable, Equatable, Sendable {
  /// Default of `imageBytes`.
  public static let defaultImageBytes: UInt64 = 64 << 20

  /// What was asked for, with every default filled in.
  public var request: RunRequest
  /// What is measured.
  public var cells: [PlannedCell]
  /// When.
  public var steps: [PlannedStep]
  /// Size of the disk image in bytes, and the part of a `--disk FILE` that is used.
  public var imageBytes = Self.defaultImageBytes

  /// Seed of the run.
  public var seed: UInt64 { request.seed ?? 1 }

  /// Seed of the disk image's content.
  var imageSeed: UInt64 { SectorPattern.mix(seed ^ 0x696D_6167_6500_0000) }

  /// Seed of a repetition's guest: the same for every mode of a workload, so that the modes of a block do the same thing.
  func guestSeed(of step: PlannedStep) -> UInt64 {
    // FNV-1a (Fowler, Noll, Vo), 64 bits: a stable hash of the workload's name.
    let name = cells[step.cell].workload.id.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3
    }
    return SectorPattern.mix(seed ^ name ^ SectorPattern.mix(UInt64(step.index) + 1))
  }

  /// True where a cell that can run needs the image.
  var needsDisk: Bool { cells.contains { $0.skipReason == nil && $0.usesImage } }
}
