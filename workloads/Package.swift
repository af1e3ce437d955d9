// swift-tools-version: 6.2
import PackageDescription

// Everything that runs inside a guest. Boot, GuestKernel, Kernels, Drivers, Workloads and Guest are compiled for
// x86_64-unknown-none-elf by `guestc` (see its main.swift) and embedded as an ELF in GuestImage; only PVWire, the contract
// between both sides, is also compiled for the host.
let package = Package(
  name: "workloads",
  products: [
    .library(name: "PVWire", targets: ["PVWire"]),
    .library(name: "GuestImage", targets: ["GuestImage"]),
  ],
  targets: [
    .target(name: "PVWire"),
    .executableTarget(name: "guestc"),
    .plugin(
      name: "GuestImagePlugin", capability: .buildTool(), dependencies: ["guestc"], path: "Plugins/GuestImagePlugin"),
    .target(name: "GuestImage", plugins: ["GuestImagePlugin"]),
  ]
)
