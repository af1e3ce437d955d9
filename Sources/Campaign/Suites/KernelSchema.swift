import MachineLauncher

/// What a workload parameter may be.
enum ParameterKind: Sendable {
  /// Bytes, written with a unit; the guest is given the number.
  case size(ClosedRange<UInt64>, multipleOf: UInt64)
  /// A plain number.
  case count(ClosedRange<UInt64>)
  /// A duration, written with a unit; the guest is given nanoseconds.
  case duration(ClosedRange<UInt64>)
  /// One of these words.
  case word([String])
}

/// A parameter that a workload kernel understands.
struct ParameterSchema: Sendable {
  let name: String
  let kind: ParameterKind
  let isRequired: Bool
  /// The value of another parameter that makes this one required.
  var neededBy: (name: String, value: String)?

  /// How many vCPUs do the same thing.
  static let processors = ParameterSchema(name: "vcpus", kind: .count(1...16), isRequired: false)
  /// The memory that is worked on.
  static let workingSet = ParameterSchema(
    name: "size", kind: .size(8192...(1 << 30), multipleOf: 4096), isRequired: true)
  /// The machine's RAM, where it needs more than others.
  static let ram = ParameterSchema(
    name: "ram", kind: .size((64 << 20)...(1 << 30), multipleOf: 4096), isRequired: false)
  /// On how many CPUs the vCPUs take turns, where they shall have fewer than they are.
  static let sharedCPUs = ParameterSchema(name: "cpus", kind: .count(1...16), isRequired: false)
  /// The clock, where the row is about one.
  static let clock = ParameterSchema(
    name: "clock", kind: .word(["pmtimer", "pit", "rtc", "tsc", "kvmclock"]), isRequired: false)

  /// Whether the threads of two vCPUs, or of the only vCPU and a device, share a CPU of the host.
  static let threads = ParameterSchema(name: "threads", kind: .word(["beside", "across"]), isRequired: false)

  /// The words that it may be; nil where it is a number.
  var words: [String]? {
    guard case .word(let words) = kind else { return nil }
    return words
  }
}

/// The typed parameters of each guest kernel (`workloads/Sources/Workloads`), and of each tool on Linux, which brings its own. To
/// add a kernel is to add a row: suites are checked against it, so that a wrong unit is found before a guest is started.
struct KernelSchema: Sendable {
  let name: String
  /// The subsystems of its machine that it uses, beside those of every machine: only they are choices for its workloads.
  let uses: [String]
  let parameters: [ParameterSchema]
  /// True where it needs neither a device nor a kernel: it can also run natively, as a process of the host.
  var runsAsProcess = false
  /// The guest that it runs in.
  var guest = GuestKind.pvbench

  /// Those of pvbench's own guest, and of the tools on Linux.
  static let all = own + LinuxTools.all.map { $0.schema }

  private static let own: [KernelSchema] = [
    KernelSchema(
      name: "disk", uses: ["disk", "transport", "backend", "doorbell", "completion"],
      parameters: [
        ParameterSchema(name: "operation", kind: .word(["read", "write", "mixed", "flush"]), isRequired: true),
        ParameterSchema(
          name: "readpercent", kind: .count(1...99), isRequired: false, neededBy: (name: "operation", value: "mixed")),
        ParameterSchema(name: "access", kind: .word(["random", "sequential"]), isRequired: true),
        ParameterSchema(name: "block", kind: .size(512...(1 << 20), multipleOf: 512), isRequired: true),
        ParameterSchema(name: "depth", kind: .count(1...256), isRequired: true),
        ParameterSchema(name: "completion", kind: .word(["interrupt", "polled"]), isRequired: false),
        ParameterSchema(
          name: "backend", kind: .word(["file", "cached", "sqpoll", "memory", "null"]), isRequired: false),
      ]),
    KernelSchema(
      name: "console", uses: ["console", "transport", "doorbell"],
      parameters: [ParameterSchema(name: "block", kind: .size(1...4096, multipleOf: 1), isRequired: true)]),
    KernelSchema(
      name: "eoi", uses: ["eoi"],
      parameters: [ParameterSchema(name: "eoi", kind: .word(["apic", "pv"]), isRequired: false)]),
    KernelSchema(
      name: "lock", uses: ["lock"],
      parameters: [ParameterSchema(name: "vcpus", kind: .count(2...16), isRequired: true), .sharedCPUs]),
    KernelSchema(
      name: "steal", uses: [],
      parameters: [ParameterSchema(name: "vcpus", kind: .count(1...16), isRequired: true), .sharedCPUs]),
    KernelSchema(
      name: "ipi", uses: ["ipi"],
      parameters: [
        ParameterSchema(name: "vcpus", kind: .count(2...16), isRequired: true),
        ParameterSchema(name: "wait", kind: .word(["halt", "spin"]), isRequired: true),
        ParameterSchema(name: "ipi", kind: .word(["xapic", "x2apic", "hypercall"]), isRequired: false),
      ]),
    KernelSchema(
      name: "sendipi", uses: ["ipi"],
      parameters: [
        ParameterSchema(name: "vcpus", kind: .count(2...16), isRequired: true),
        ParameterSchema(name: "target", kind: .word(["running", "halted"]), isRequired: true),
        ParameterSchema(name: "ipi", kind: .word(["xapic", "x2apic", "hypercall"]), isRequired: true), .threads,
      ]),
    KernelSchema(
      name: "irqfd", uses: [],
      parameters: [
        ParameterSchema(name: "vcpus", kind: .count(2...2), isRequired: true),
        ParameterSchema(name: "target", kind: .word(["running", "halted"]), isRequired: true), .threads,
      ]),
    KernelSchema(
      name: "interrupts", uses: [],
      parameters: [
        ParameterSchema(name: "trigger", kind: .word(["edge", "level"]), isRequired: true),
        ParameterSchema(name: "count", kind: .count(1...1_000_000), isRequired: true), .threads,
      ]),
    KernelSchema(
      name: "network", uses: ["net", "transport", "doorbell", "completion"],
      parameters: [
        ParameterSchema(
          name: "operation", kind: .word(["roundtrip", "transmit", "receive", "both"]), isRequired: true),
        ParameterSchema(name: "port", kind: .word(["echo", "sink", "source", "tap", "peer"]), isRequired: true),
        ParameterSchema(name: "size", kind: .size(60...65_549, multipleOf: 1), isRequired: true),
        ParameterSchema(name: "depth", kind: .count(1...4096), isRequired: true),
        ParameterSchema(name: "rate", kind: .count(0...1_000_000_000), isRequired: true),
        ParameterSchema(name: "completion", kind: .word(["interrupt", "polled"]), isRequired: false),
      ]),
    KernelSchema(
      name: "exits", uses: [],
      parameters: [
        ParameterSchema(name: "way", kind: .word(WayOut.allCases.map(\.rawValue)), isRequired: true),
        ParameterSchema(name: "level", kind: .word(["ring3", "ring0"]), isRequired: false),
      ]),
    KernelSchema(
      name: "integer", uses: [],
      parameters: [
        ParameterSchema(name: "level", kind: .word(["ring3", "ring0"]), isRequired: false), .processors,
      ], runsAsProcess: true),
    KernelSchema(name: "nbody", uses: [], parameters: [.processors], runsAsProcess: true),
    KernelSchema(
      name: "matmul", uses: [],
      parameters: [ParameterSchema(name: "vectors", kind: .word(["sse2", "avx2"]), isRequired: true), .processors],
      runsAsProcess: true),
    KernelSchema(name: "sha256", uses: [], parameters: [.processors], runsAsProcess: true),
    KernelSchema(name: "aes", uses: [], parameters: [.processors], runsAsProcess: true),
    KernelSchema(
      name: "branch", uses: [],
      parameters: [
        ParameterSchema(name: "pattern", kind: .word(["random", "steady"]), isRequired: true), .processors,
      ],
      runsAsProcess: true),
    KernelSchema(
      name: "cache", uses: [],
      parameters: [
        ParameterSchema(name: "size", kind: .size(4096...(1 << 20), multipleOf: 64), isRequired: true), .processors,
      ], runsAsProcess: true),
    KernelSchema(
      name: "stream", uses: [],
      parameters: [
        ParameterSchema(name: "operation", kind: .word(["copy", "scale", "add", "triad"]), isRequired: true),
        .workingSet, .ram, .processors,
      ], runsAsProcess: true),
    KernelSchema(name: "chase", uses: [], parameters: [.workingSet, .ram, .processors], runsAsProcess: true),
    KernelSchema(
      name: "mix", uses: [],
      parameters: [
        ParameterSchema(name: "access", kind: .word(["random", "sequential"]), isRequired: true),
        ParameterSchema(name: "readpercent", kind: .count(0...100), isRequired: true),
        .workingSet, .ram, .processors,
      ], runsAsProcess: true),
    KernelSchema(
      name: "touch", uses: [],
      parameters: [
        ParameterSchema(name: "pages", kind: .word(["4k", "thp", "2m", "1g"]), isRequired: false), .ram,
        ParameterSchema(name: "step", kind: .size(4096...(2 << 20), multipleOf: 4096), isRequired: false),
      ],
      runsAsProcess: true),
    KernelSchema(
      name: "dirty", uses: [],
      parameters: [
        ParameterSchema(name: "rate", kind: .count(0...1_000_000_000), isRequired: true), .workingSet, .ram,
      ], runsAsProcess: true),
    KernelSchema(
      name: "pagetable", uses: [],
      parameters: [ParameterSchema(name: "size", kind: .size(4096...(2 << 20), multipleOf: 4096), isRequired: true)]),
    KernelSchema(
      name: "shootdown", uses: [],
      parameters: [ParameterSchema(name: "vcpus", kind: .count(2...16), isRequired: true)]),
    KernelSchema(
      name: "trap", uses: [],
      parameters: [
        ParameterSchema(
          name: "way", kind: .word(["undefined", "protection", "fault", "breakpoint", "touch", "syscall"]),
          isRequired: true)
      ]),
    KernelSchema(
      name: "flush", uses: [],
      parameters: [ParameterSchema(name: "way", kind: .word(["cr3", "invlpg"]), isRequired: true)]),
    KernelSchema(name: "clock", uses: ["clock"], parameters: [.clock]),
    KernelSchema(name: "drift", uses: ["clock"], parameters: [.clock]),
    KernelSchema(
      name: "monotonic", uses: ["clock"],
      parameters: [
        .clock, .processors, ParameterSchema(name: "reads", kind: .count(0...1_000_000_000), isRequired: true),
      ]),
    KernelSchema(
      name: "cyclic", uses: ["timer"],
      parameters: [
        ParameterSchema(name: "period", kind: .duration(100_000...50_000_000), isRequired: true),
        ParameterSchema(name: "cycle", kind: .word(["oneshot", "periodic"]), isRequired: true),
        ParameterSchema(name: "wait", kind: .word(["halt", "spin"]), isRequired: true),
        ParameterSchema(name: "timer", kind: .word(["pit", "lapic", "tsc-deadline"]), isRequired: false),
      ]),
    KernelSchema(
      name: "timer", uses: ["timer"],
      // The 8254's sixteen bits last for 54.9 ms.
      parameters: [
        ParameterSchema(name: "period", kind: .duration(10_000...50_000_000), isRequired: true),
        ParameterSchema(name: "vcpus", kind: .count(1...16), isRequired: false),
      ]),
    KernelSchema(
      name: "entropy", uses: ["entropy", "transport", "doorbell", "completion"],
      parameters: [ParameterSchema(name: "block", kind: .size(16...65536, multipleOf: 1), isRequired: true)]),
    KernelSchema(
      name: "balloon", uses: ["memory", "transport", "doorbell", "completion"],
      parameters: [
        ParameterSchema(name: "operation", kind: .word(["inflate", "reporting"]), isRequired: true),
        ParameterSchema(name: "count", kind: .count(1...1024), isRequired: true),
      ]),
  ]

  static func named(_ name: String) -> KernelSchema? { all.first { $0.name == name } }
}
