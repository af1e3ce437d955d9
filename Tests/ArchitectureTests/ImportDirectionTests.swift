import Foundation
import Testing

@Suite("import directions")
struct ImportDirectionTests {
  // Dumped once for all tests: each dump starts SwiftPM.
  private static let dumpedRoot = Result { try PackageDescription(PackageDescription.repository).targets }
  private static let dumpedWorkloads = Result {
    try PackageDescription(PackageDescription.repository.appending(path: "workloads")).targets
  }

  private let root: [SourceTarget]
  private let workloads: [SourceTarget]

  init() throws {
    root = try Self.dumpedRoot.get()
    workloads = try Self.dumpedWorkloads.get()
  }

  @Test func theRootPackageKeepsToItsTable() {
    #expect(ImportChecker.violations(of: ImportTable.root, in: root) == [])
  }

  @Test func theWorkloadsPackageKeepsToItsTable() {
    #expect(ImportChecker.violations(of: ImportTable.workloads, in: workloads) == [])
  }

  @Test func theGuestsModulesKeepToTheirTable() {
    let sources = PackageDescription.repository.appending(path: "workloads/Sources")
    let modules = ImportTable.guest.map { name, permitted in
      SourceTarget(
        name: name, dependencies: permitted, imports: PackageDescription.imports(in: sources.appending(path: name)))
    }
    #expect(ImportChecker.violations(of: ImportTable.guest, in: modules) == [])
    #expect(
      ImportChecker.imports(of: ImportTable.foundation.union(["Glibc"]), by: Set(ImportTable.guest.keys), in: modules)
        == [])
  }

  @Test func devicesDoNotKnowKVM() {
    #expect(ImportChecker.imports(of: ["KVM"], by: ImportTable.devices, in: root) == [])
    for device in ImportTable.devices {
      #expect(!ImportChecker.closure(of: device, in: root).contains("KVM"), "\(device)")
    }
  }

  @Test func nothingInTheSlimRunnerImportsFoundation() {
    let runner = ImportChecker.closure(of: "pvbench-vm", in: root + workloads, without: ImportTable.buildTools)
    #expect(runner.isSuperset(of: ["Machine", "KVM", "PVWire", "GuestImage"]))
    #expect(ImportChecker.imports(of: ImportTable.foundation, by: runner, in: root + workloads) == [])
  }

  @Test func sourcesWereFound() {
    let silent = root.filter { $0.imports.isEmpty }.map(\.name)
    #expect(Set(silent).isSubset(of: ["CLinuxKVM", "CNUMA", "CURing"]))
  }
}
