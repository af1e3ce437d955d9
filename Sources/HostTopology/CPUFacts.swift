import Measurement

/// What /proc/cpuinfo says of the first CPU.
struct CPUFacts {
  let vendor: String
  let name: String
  let family: String
  let model: String
  let stepping: String
  let microcode: String?
  let flags: Set<String>

  init(procfs: String) {
    let fields = ProcFile.fields(procfs + "/cpuinfo")
    vendor = fields["vendor_id"] ?? "unknown"
    name = fields["model name"] ?? "unknown"
    family = fields["cpu family"] ?? "unknown"
    model = fields["model"] ?? "unknown"
    stepping = fields["stepping"] ?? "unknown"
    microcode = fields["microcode"]
    flags = Set((fields["flags"] ?? "").split(separator: " ").map(String.init))
  }

  /// True where this host is itself a guest.
  var isVirtual: Bool { flags.contains("hypervisor") }

  /// Those flags that decide what a measurement can use.
  static let notable = [
    "vmx", "svm", "hypervisor", "avx", "avx2", "avx512f", "xsave", "x2apic", "tsc_deadline_timer", "constant_tsc",
    "nonstop_tsc", "pcid", "invpcid", "ept", "npt",
  ]

  func record(_ topology: Topology) -> [String: JSONValue] {
    let counts = topology.counts
    return [
      "vendor": .string(vendor), "model_name": .string(name), "family": .string(family), "model": .string(model),
      "stepping": .string(stepping), "packages": .number(Double(counts.packages)),
      "cores": .number(Double(counts.cores)), "threads": .number(Double(counts.threads)),
      "flags": .array(Self.notable.filter(flags.contains).map(JSONValue.string)),
    ]
  }
}
