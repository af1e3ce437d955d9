import Foundation
import PackagePlugin

/// Builds the guest's ELF for x86_64-unknown-none-elf with `guestc` and gives it to the target GuestImage as Swift source.
@main struct GuestImagePlugin: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: Target) async throws -> [Command] {
    let sources = context.package.directoryURL.appending(path: "Sources")
    var inputs: [URL] = []
    for folder in ["PVWire", "Boot", "GuestKernel", "Kernels", "Drivers", "Workloads", "Guest"] {
      let walker = FileManager.default.enumerator(
        at: sources.appending(path: folder), includingPropertiesForKeys: [.isRegularFileKey])
      for case let url as URL in walker ?? .init() {
        if try url.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile == true { inputs.append(url) }
      }
    }
    inputs.sort { $0.path < $1.path }
    let output = context.pluginWorkDirectoryURL
    return [
      .buildCommand(
        displayName: "Building the guest", executable: try context.tool(named: "guestc").url,
        arguments: [try context.tool(named: "swiftc").url.path, sources.path, output.path], inputFiles: inputs,
        outputFiles: [output.appending(path: "GuestELF.swift")])
    ]
  }
}
