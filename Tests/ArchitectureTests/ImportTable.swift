/// Who may depend on whom: every target of the package with what it may name as a direct dependency. Imports point down
/// only; to add an arrow is a decision, and is made here.
enum ImportTable {
  /// The root package.
  static let root: [String: Set<String>] = [
    // C shims and system libraries
    "CLinuxKVM": [],
    "CNUMA": [],
    "CURing": [],
    // The runner's half
    "GuestMemory": ["CLinuxKVM"],
    "DeviceModel": ["GuestMemory", "CLinuxKVM"],
    "KVM": ["GuestMemory", "CLinuxKVM"],
    "Backends": ["DeviceModel", "GuestMemory", "CURing", "CLinuxKVM", "PVWire"],
    "EmulatedDevices": ["DeviceModel", "Backends", "GuestMemory"],
    "ParavirtDevices": ["DeviceModel", "Backends", "GuestMemory"],
    "Measurement": ["PVWire"],
    "MachineLauncher": ["Measurement", "PVWire"],
    "Machine": [
      "KVM", "EmulatedDevices", "ParavirtDevices", "Backends", "DeviceModel", "GuestMemory", "Measurement",
      "MachineLauncher", "CLinuxKVM", "PVWire", "GuestImage",
    ],
    "pvbench-vm": ["Machine", "MachineLauncher"],
    // The supervisor's half
    "HostTopology": ["CNUMA", "CLinuxKVM", "Measurement"],
    "Statistics": ["Measurement"],
    "ResultStore": ["Measurement", "GRDB"],
    "Reporting": ["Statistics", "Measurement", "Mustache", "EmbedFiles"],
    "Campaign": [
      "MachineLauncher", "Measurement", "ResultStore", "HostTopology", "Statistics", "PVWire", "Yams", "Subprocess",
      "EmbedFiles",
    ],
    "pvbench": ["Campaign", "Reporting", "ResultStore", "Statistics", "Measurement", "ArgumentParser"],
    "bench-peers": ["MachineLauncher", "HostTopology", "Statistics"],
    "bench-history": ["ResultStore", "Statistics", "Measurement"],
    "statistics-answers": ["Statistics", "Measurement"],
    // Embedding suites and templates
    "embed-files": [],
    "EmbedFiles": ["embed-files"],
  ]

  /// The leaf package that both halves share.
  static let workloads: [String: Set<String>] = [
    "PVWire": [],
    "guestc": [],
    "GuestImagePlugin": ["guestc"],
    "GuestImage": ["GuestImagePlugin"],
  ]

  /// The guest's own modules, which `guestc` compiles and SwiftPM knows nothing of.
  static let guest: [String: Set<String>] = [
    "PVWire": [],
    "Drivers": ["GuestKernel", "PVWire"],
    "Workloads": ["Drivers", "GuestKernel", "Kernels", "PVWire"],
    "Guest": ["Drivers", "GuestKernel", "PVWire", "Workloads"],
  ]

  /// Modules that would cost the slim runner tens of MiB.
  static let foundation: Set<String> = [
    "Foundation", "FoundationEssentials", "FoundationInternationalization", "Dispatch",
  ]

  /// What runs at build time only, and is not linked into anything.
  static let buildTools: Set<String> = ["GuestImagePlugin", "guestc", "EmbedFiles", "embed-files"]

  /// Targets that never know KVM.
  static let devices: Set<String> = ["DeviceModel", "EmulatedDevices", "ParavirtDevices", "Backends"]
}
