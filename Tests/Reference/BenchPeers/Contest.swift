import Foundation
import HostTopology
import MachineLauncher

/// The disk of every machine that has one: allocated, and in the host's page cache.
enum DiskFile {
  static let byteCount: UInt64 = 64 << 20

  static func make(at path: String) throws {
    try Data(repeating: 0xA5, count: Int(byteCount)).write(to: URL(filePath: path))
  }

  /// Brings back into the page cache what has gone from it.
  static func touch(_ path: String) throws { _ = try Data(contentsOf: URL(filePath: path)) }
}

/// What a duel brought: figures of those rounds in which both sides have them, and why others have none.
struct Outcome {
  var ours: [[String: Double]] = []
  var theirs: [[String: Double]] = []
  var failures: [String] = []

  func values(_ metric: String) -> (ours: [Double], theirs: [Double]) {
    let pairs = zip(ours, theirs).compactMap { ours, theirs in
      ours[metric].flatMap { a in theirs[metric].map { (a, $0) } }
    }
    return (pairs.map(\.0), pairs.map(\.1))
  }
}

/// Runs both sides of every duel in turn: round after round, every other one backwards, so that drift hits all alike.
struct Contest {
  let programs: Programs
  let image: String
  private let pinning = Pinning.plan(vcpus: 1, topology: .host())

  init(programs: Programs, image: String) {
    self.programs = programs
    self.image = image
  }

  func run(_ duels: [Duel], rounds: Int) throws -> [Outcome] {
    var outcomes = duels.map { _ in Outcome() }
    for round in 0..<rounds {
      for index in round.isMultiple(of: 2) ? Array(duels.indices) : duels.indices.reversed() {
        try DiskFile.touch(image)
        fight(duels[index], oursFirst: round.isMultiple(of: 2), into: &outcomes[index])
      }
      FileHandle.standardError.write(Data("round \(round + 1) of \(rounds)\n".utf8))
    }
    return outcomes
  }

  private func fight(_ duel: Duel, oursFirst: Bool, into outcome: inout Outcome) {
    let specification = placed(duel.specification)
    var reports: [RunnerReport?] = [nil, nil]
    for side in oursFirst ? [0, 1] : [1, 0] {
      let command = side == 0 ? programs.ours(specification) : programs.theirs(specification, duel.peer)
      reports[side] = RunnerReport(parsing: ChildProcess.output(command))
    }
    let failed = reports.compactMap { $0 }.first { $0.status != .ok }
    guard failed == nil, let ours = reports[0], let theirs = reports[1] else {
      outcome.failures.append(failed?.reason ?? "no report")
      return
    }
    outcome.ours.append(ours.metrics)
    outcome.theirs.append(theirs.metrics)
  }

  private func placed(_ specification: MachineSpecification) -> MachineSpecification {
    var specification = specification
    specification.vcpuCPUs = pinning?.vcpuCPUs ?? []
    specification.ioCPU = pinning?.ioCPU
    return specification
  }
}

/// The programs of either side, and how they are asked.
struct Programs {
  let runner: String
  let reference: String
  let qemu: String

  func ours(_ specification: MachineSpecification) -> [String] {
    var specification = specification
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    specification.spawnedNanoseconds = UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
    return [runner] + specification.arguments
  }

  func theirs(_ specification: MachineSpecification, _ peer: Peer) -> [String] {
    switch peer {
    case .reference: return [reference] + specification.arguments
    case .qemu:
      var specification = specification
      specification.runner = .qemu
      specification.qemu = qemu
      return [runner] + specification.arguments
    }
  }
}

/// A program that is run to its end.
enum ChildProcess {
  /// All that it writes to standard output; empty where it cannot be started.
  static func output(_ command: [String]) -> String {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { return "" }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
    for end in ends { posix_spawn_file_actions_addclose(&actions, end) }
    var arguments = command.map { strdup($0) } + [nil]
    defer { arguments.forEach { free($0) } }
    var process = pid_t()
    let code = posix_spawn(&process, command[0], &actions, nil, &arguments, environ)
    close(ends[1])
    let reading = FileHandle(fileDescriptor: ends[0], closeOnDealloc: true)
    guard code == 0 else { return "" }
    let text = String(decoding: reading.readDataToEndOfFile(), as: UTF8.self)
    while waitpid(process, nil, 0) < 0, errno == EINTR {}
    return text
  }
}
