import HostTopology
import MachineLauncher
import PVWire

/// What this host contributes to every machine.
struct MachineResources: Sendable {
  /// Where a guest goes, by policy; without a row it goes where the host likes.
  var placements: [NUMAPolicy: Result<Placement, PlacementObstacle>] = [:]
  var userspaceExitEvent: UInt64?
  var hasTransparentHugePages = true
  var kvmPath = "/dev/kvm"
  /// Nil where no cell needs one.
  var qemu: QEMUProgram?
}

extension MachineResources {
  /// Puts a cell's guest in its place; it goes where the host likes where it has none.
  func place(_ cell: PlannedCell, _ specification: inout MachineSpecification) {
    guard case .success(let placement)? = outcome(of: cell) else { return }
    specification.vcpuCPUs = placement.pinning.vcpuCPUs
    if let most = cell.workload.number("cpus") { specification.vcpuCPUs = placement.pinning.cpus(most: Int(most)) }
    specification.ioCPU = placement.pinning.ioCPU
    if cell.workload.parameter("threads") == "beside" {
      specification.vcpuCPUs = [placement.pinning.vcpuCPUs[0]]
      specification.ioCPU = placement.pinning.vcpuCPUs[0]
    }
    specification.memoryNodes = placement.memoryNodes
  }

  /// Why this host has no such place, or no such memory, for a cell's guest.
  func obstacle(to cell: PlannedCell) -> String? {
    // A mode takes them where the host has them; a row that names them measures nothing else.
    if cell.workload.parameter("pages") == "thp", !hasTransparentHugePages {
      return "this host gives no transparent huge pages (/sys/kernel/mm/transparent_hugepage/enabled)"
    }
    switch outcome(of: cell) {
    case nil:
      return cell.workload.parameter("threads") == nil ? nil : "the CPUs that this process may run on are not known"
    case .failure(let obstacle): return "\(obstacle)"
    case .success(let placement):
      guard cell.workload.parameter("threads") == "across" else { return nil }
      let pinning = placement.pinning
      let others = cell.workload.number("vcpus") == nil ? [pinning.ioCPU] : pinning.vcpuCPUs
      return others.contains { $0 != pinning.vcpuCPUs[0] }
        ? nil : "this process may run on one CPU: no thread is across from another"
    }
  }

  private func outcome(of cell: PlannedCell) -> Result<Placement, PlacementObstacle>? {
    cell.choices["numa"].flatMap(NUMAPolicy.init).flatMap { placements[$0] }
  }
}

extension Plan {
  /// Seconds after which a repetition of `cell` is killed: ten times what it should take, and ten more.
  static func limitSeconds(_ cell: PlannedCell) -> Double { 10 * PlanEstimate.seconds(cell) + 10 }

  /// Everything a runner needs for `step`; `disk` is the image's path, where there is one.
  func specification(of step: PlannedStep, disk: String?, resources: MachineResources) -> MachineSpecification {
    let cell = cells[step.cell]
    if let tool = cell.workload.tool {
      return LinuxGuest.specification(cell, tool: tool, request, resources: resources)
    }
    var specification = MachineSpecification()
    specification.vcpus = vcpus(of: cell)
    specification.memory = cell.workload.number("ram") ?? request.memory ?? 64 << 20
    specification.choices = cell.choices
    specification.kernel = cell.workload.kernel
    specification.parameters = cell.workload.parameters.map { ($0.name, $0.value) }
    specification.network = cell.workload.network
    specification.disk = backing(of: cell, image: disk)
    for name in MachineProfile.toldToGuest where cell.workload.parameter(name) == nil {
      if let choice = cell.choices[name] { specification.parameters.append((name, choice)) }
    }
    if specification.disk != .none {
      specification.parameters.append(("sectors", String(imageBytes / UInt64(SectorPattern.sectorSize))))
      specification.parameters.append(("imageseed", String(imageSeed)))
    }
    specification.seed = guestSeed(of: step)
    specification.warmupNanoseconds = cell.warmupNanoseconds
    specification.windowNanoseconds = cell.windowNanoseconds
    // The runner knows best where its guest hangs: it is given the time to say so before it is killed.
    specification.timeoutNanoseconds = UInt64((Self.limitSeconds(cell) - 3) * 1e9)
    resources.place(cell, &specification)
    specification.userspaceExitEvent = resources.userspaceExitEvent
    specification.kvmPath = resources.kvmPath
    specification.runner = cell.program.told
    specification.slowdownPermille = cell.workload.slowdownPermille ?? 0
    if case .found(let path, _) = resources.qemu { specification.qemu = path }
    return specification
  }

  /// vCPUs of a cell's machine: its row's, or those that were asked for.
  func vcpus(of cell: PlannedCell) -> Int { cell.workload.number("vcpus").map(Int.init) ?? request.vcpus ?? 1 }

  /// vCPUs of the largest machine.
  var mostVCPUs: Int { cells.map(vcpus).max() ?? 1 }

  private func backing(of cell: PlannedCell, image: String?) -> DiskBacking {
    guard cell.workload.isDisk else { return .none }
    return switch cell.choices["backend"] {
    case "memory": .memory(byteCount: imageBytes, imageSeed: imageSeed)
    case "null": .null(byteCount: imageBytes)
    case "sqpoll": image.map { .polledFile(path: $0) } ?? .none
    case let choice: image.map { .file(path: $0, isBuffered: choice == "cached") } ?? .none
    }
  }

  /// What the repetition did to the image.
  ///
  /// - Returns: nil where it did not have the image.
  /// - Throws: `SlotError` where the guest's account of its operations cannot be true.
  func imageAccess(of step: PlannedStep, slots: [UInt64]) throws(SlotError) -> ImageAccess? {
    let workload = cells[step.cell].workload
    guard cells[step.cell].usesImage, let operation = workload.parameter("operation"),
      let block = workload.number("block"),
      let depth = workload.number("depth")
    else { return nil }
    let pattern = AccessPattern(
      isRandom: workload.parameter("access") == "random", seed: guestSeed(of: step), depth: depth,
      blocks: imageBytes / block, readPercent: workload.readPercent)
    guard operation != "read" else { return ImageAccess(pattern: pattern, blockBytes: block, writtenOperations: nil) }
    guard slots.count == Int(depth) else { throw SlotError.count(found: slots.count, expected: Int(depth)) }
    guard slots.allSatisfy({ $0 <= SlotError.mostOperations }) else { throw SlotError.tooMany }
    return ImageAccess(pattern: pattern, blockBytes: block, writtenOperations: slots)
  }
}

/// Why a guest's account of its operations is not believed; it decides how long the host replays.
enum SlotError: Error, Equatable, CustomStringConvertible {
  /// More than any disk does in the time that a repetition has.
  static let mostOperations: UInt64 = 100_000_000

  case count(found: Int, expected: Int)
  case tooMany

  var description: String {
    switch self {
    case .count(let found, let expected): "the guest accounts for \(found) queue slots, expected \(expected)"
    case .tooMany: "the guest claims more than \(Self.mostOperations) operations in one queue slot"
    }
  }
}
