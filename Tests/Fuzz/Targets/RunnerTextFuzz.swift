import MachineLauncher

/// The runner's command line and its report. What was understood is written as it was read.
struct RunnerTextFuzz: FuzzTarget {
  static let name = "runner-text"

  private static let words = [
    "vcpus=", "memory=", "kernel=", "seed=", "disk=", "disk-buffered=", "disk-memory=", "disk-seed=", "disk-null=",
    "network=", "network=source:", "warmup-ns=", "window-ns=", "timeout-ns=", "vcpu-cpus=", "io-cpu=", "guest=", "kvm=",
    "userspace-exit-event=", "choice:", "parameter:", "status\t", "metric\t", "exits\t", "detail\t", "handler\t",
    "histogram\t", "slots\t", "end",
  ]

  func run(_ input: FuzzInput) throws {
    let isReport = input.flag()
    var lines: [String] = []
    while !input.isEmpty {
      let word = input.flag() ? input.pick(Self.words) : ""
      lines.append(word + String(decoding: input.array(input.below(40)), as: UTF8.self))
    }
    if isReport {
      let report = RunnerReport(parsing: lines.joined(separator: "\n"))
      mustHold(RunnerReport(parsing: report.text).status == report.status, "a report changes its status")
    } else {
      let specification = try MachineSpecification(arguments: lines)
      let again = try MachineSpecification(arguments: specification.arguments)
      mustHold(again == specification, "a specification changes when it is written again")
    }
  }
}
