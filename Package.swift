// swift-tools-version: 6.2
import PackageDescription

/// Warnings are errors everywhere: a clean build is one of the project's promises.
let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

let package = Package(
  name: "pvbench",
  platforms: [.macOS(.v26)],  // Linux only; this merely silences availability checks of newer standard library types
  products: [
    .executable(name: "pvbench", targets: ["pvbench"]),
    .executable(name: "pvbench-vm", targets: ["pvbench-vm"]),
  ],
  dependencies: [
    .package(path: "workloads"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
  ],
  targets: [
    // C shims and system libraries
    .target(name: "CLinuxKVM"),
    .systemLibrary(name: "CNUMA", pkgConfig: "numa", providers: [.apt(["libnuma-dev"])]),
    .systemLibrary(name: "CURing", pkgConfig: "liburing", providers: [.apt(["liburing-dev"])]),

    // The runner's half: no Foundation anywhere below pvbench-vm
    .target(name: "GuestMemory", dependencies: ["CLinuxKVM"], swiftSettings: strict),
    .target(name: "DeviceModel", dependencies: ["GuestMemory", "CLinuxKVM"], swiftSettings: strict),
    .target(name: "KVM", dependencies: ["GuestMemory", "CLinuxKVM"], swiftSettings: strict),
    .target(
      name: "Backends",
      dependencies: [
        "DeviceModel", "GuestMemory", "CURing", "CLinuxKVM", .product(name: "PVWire", package: "workloads"),
      ],
      swiftSettings: strict),
    .target(name: "EmulatedDevices", dependencies: ["DeviceModel", "Backends", "GuestMemory"], swiftSettings: strict),
    .target(name: "ParavirtDevices", dependencies: ["DeviceModel", "Backends", "GuestMemory"], swiftSettings: strict),
    .target(
      name: "Measurement", dependencies: [.product(name: "PVWire", package: "workloads")], swiftSettings: strict),
    .target(
      name: "MachineLauncher", dependencies: ["Measurement", .product(name: "PVWire", package: "workloads")],
      swiftSettings: strict),
    .target(
      name: "Machine",
      dependencies: [
        "KVM", "EmulatedDevices", "ParavirtDevices", "Backends", "DeviceModel", "GuestMemory", "Measurement",
        "MachineLauncher", "CLinuxKVM",
        .product(name: "PVWire", package: "workloads"),
        .product(name: "GuestImage", package: "workloads"),
      ], swiftSettings: strict),
    .executableTarget(
      name: "pvbench-vm", dependencies: ["Machine", "MachineLauncher"], swiftSettings: strict,
      linkerSettings: [
        // Linked above 1 GiB: what is below is a guest's where one is run as a part of the process (BareRun).
        .unsafeFlags([
          "-static-executable", "-use-ld=lld", "-Xlinker", "--gc-sections", "-Xlinker", "-s", "-Xlinker",
          "--image-base=0x50000000",
        ])
      ]),

    // The supervisor's half
    .target(name: "HostTopology", dependencies: ["CNUMA", "CLinuxKVM", "Measurement"], swiftSettings: strict),
    .target(name: "Statistics", dependencies: ["Measurement"], swiftSettings: strict),
    .target(
      name: "ResultStore",
      dependencies: ["Measurement", .product(name: "GRDB", package: "GRDB.swift")], swiftSettings: strict),
    .target(
      name: "Reporting",
      dependencies: ["Statistics", "Measurement", .product(name: "Mustache", package: "swift-mustache")],
      swiftSettings: strict, plugins: ["EmbedFiles"]),
    .target(
      name: "Campaign",
      dependencies: [
        "MachineLauncher", "Measurement", "ResultStore", "HostTopology", "Statistics",
        .product(name: "PVWire", package: "workloads"),
        .product(name: "Yams", package: "Yams"),
        .product(name: "Subprocess", package: "swift-subprocess"),
      ], swiftSettings: strict, plugins: ["EmbedFiles"]),
    .executableTarget(
      name: "pvbench",
      dependencies: [
        "Campaign", "Reporting", "ResultStore", "Statistics", "Measurement",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: strict),

    // Suites and templates are embedded at build time, so that the program is one file to copy
    .executableTarget(name: "embed-files", path: "Sources/EmbedFiles/Tool", swiftSettings: strict),
    .plugin(
      name: "EmbedFiles", capability: .buildTool(), dependencies: ["embed-files"], path: "Sources/EmbedFiles/Plugin"),

    // The bars against other programs (`make bench-peers`)
    .executableTarget(
      name: "bench-peers", dependencies: ["MachineLauncher", "HostTopology", "Statistics"],
      path: "Tests/Reference/BenchPeers", swiftSettings: strict),

    // The bars of the history (`make bench-history`)
    .executableTarget(
      name: "bench-history", dependencies: ["ResultStore", "Statistics", "Measurement"],
      path: "Tests/Reference/BenchHistory", swiftSettings: strict),

    // Our answers to the questions that `make test-statistics` also asks SciPy
    .executableTarget(
      name: "statistics-answers", dependencies: ["Statistics", "Measurement"],
      path: "Tests/Reference/StatisticsAnswers", swiftSettings: strict),

    // Tests mirror Sources; IntegrationTests boot real guests, ArchitectureTests hold the imports
    .testTarget(name: "GuestMemoryTests", dependencies: ["GuestMemory"], swiftSettings: strict),
    .testTarget(name: "DeviceModelTests", dependencies: ["DeviceModel"], swiftSettings: strict),
    .testTarget(
      name: "PVWireTests", dependencies: [.product(name: "PVWire", package: "workloads")], swiftSettings: strict),
    .testTarget(
      name: "KVMTests", dependencies: ["KVM", "GuestMemory", "CLinuxKVM", "HostTopology"], swiftSettings: strict),
    .testTarget(
      name: "BackendsTests",
      dependencies: ["Backends", "DeviceModel", "GuestMemory", .product(name: "PVWire", package: "workloads")],
      swiftSettings: strict),
    .testTarget(
      name: "EmulatedDevicesTests", dependencies: ["EmulatedDevices", "Backends", "DeviceModel", "GuestMemory"],
      swiftSettings: strict),
    .testTarget(
      name: "ParavirtDevicesTests", dependencies: ["ParavirtDevices", "Backends", "DeviceModel", "GuestMemory"],
      swiftSettings: strict),
    .testTarget(
      name: "MeasurementTests",
      dependencies: ["Measurement", .product(name: "PVWire", package: "workloads")], swiftSettings: strict),
    .testTarget(
      name: "MachineLauncherTests", dependencies: ["MachineLauncher", "Measurement"], swiftSettings: strict),
    .testTarget(
      name: "MachineTests",
      dependencies: [
        "Machine", "MachineLauncher", "KVM", "CLinuxKVM", "DeviceModel", "GuestMemory", "Measurement", "Backends",
        .product(name: "PVWire", package: "workloads"),
      ], swiftSettings: strict),
    .testTarget(name: "StatisticsTests", dependencies: ["Statistics", "Measurement"], swiftSettings: strict),
    .testTarget(name: "HostTopologyTests", dependencies: ["HostTopology", "Measurement"], swiftSettings: strict),
    .testTarget(
      name: "ResultStoreTests",
      dependencies: ["ResultStore", "Measurement", .product(name: "GRDB", package: "GRDB.swift")],
      swiftSettings: strict),
    .testTarget(
      name: "ReportingTests", dependencies: ["Reporting", "ResultStore", "Measurement", "Statistics"],
      swiftSettings: strict),
    .testTarget(
      name: "CampaignTests",
      dependencies: [
        "Campaign", "HostTopology", "MachineLauncher", "Measurement", "ResultStore", "Statistics",
        .product(name: "PVWire", package: "workloads"),
      ], swiftSettings: strict),
    .testTarget(
      name: "IntegrationTests",
      dependencies: [
        "Machine", "MachineLauncher", "Measurement", "HostTopology", "KVM", "CLinuxKVM",
        .product(name: "PVWire", package: "workloads"), .product(name: "GuestImage", package: "workloads"),
      ], swiftSettings: strict),
    .testTarget(
      name: "BenchPeersTests", dependencies: ["bench-peers", "MachineLauncher"],
      path: "Tests/Reference/BenchPeersTests",
      swiftSettings: strict),
    .testTarget(
      name: "StatisticsAnswersTests", dependencies: ["statistics-answers"],
      path: "Tests/Reference/StatisticsAnswersTests", swiftSettings: strict),
    .testTarget(name: "ArchitectureTests", swiftSettings: strict),
  ]
)

// The fuzz targets: with PVBENCH_FUZZ set a libFuzzer program of their own (`make fuzz`), otherwise tests that replay what it
// has found.
let fuzzDependencies: [Target.Dependency] = [
  "Machine", "MachineLauncher", "EmulatedDevices", "ParavirtDevices", "Backends", "DeviceModel", "GuestMemory",
  .product(name: "PVWire", package: "workloads"),
]
if Context.environment["PVBENCH_FUZZ"] == nil {
  package.targets.append(
    .testTarget(
      name: "FuzzTests", dependencies: fuzzDependencies, path: "Tests/Fuzz",
      exclude: ["corpora", "fuzz.sh", "LibFuzzer"],
      sources: ["Harness", "Targets", "Replay"], swiftSettings: strict))
} else {
  package.targets.append(
    .executableTarget(
      name: "pvbench-fuzz", dependencies: fuzzDependencies, path: "Tests/Fuzz",
      exclude: ["corpora", "fuzz.sh", "Replay"],
      sources: ["Harness", "Targets", "LibFuzzer"], swiftSettings: strict,
      linkerSettings: [.unsafeFlags(["-use-ld=lld", "-Xlinker", "-z", "-Xlinker", "nostart-stop-gc"])]))
}
