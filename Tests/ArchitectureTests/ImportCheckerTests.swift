import Testing

/// The checker on packages that do not exist: a check that cannot fail is none.
@Suite("the checker of imports")
struct ImportCheckerTests {
  private let table: [String: Set<String>] = ["App": ["Core"], "Core": [], "Devices": ["Core"]]
  private let targets = [
    SourceTarget(name: "App", dependencies: ["Core"], imports: ["Core", "Glibc"]),
    SourceTarget(name: "Core", dependencies: []), SourceTarget(name: "Devices", dependencies: ["Core"]),
  ]

  @Test func aPackageThatKeepsToItsTableIsFine() {
    #expect(ImportChecker.violations(of: table, in: targets) == [])
  }

  @Test func anArrowUpwardsIsReported() {
    var wrong = targets
    wrong[1].dependencies = ["App"]
    #expect(ImportChecker.violations(of: table, in: wrong) == ["Core may not depend on App"])
  }

  @Test func aWrongRowIsReported() {
    var wrong = table
    wrong["App"] = ["Core", "Devices"]
    #expect(
      ImportChecker.violations(of: wrong, in: targets) == ["App is permitted Devices, which it does not depend on"])
    wrong["App"] = []
    #expect(ImportChecker.violations(of: wrong, in: targets) == ["App may not depend on Core"])
  }

  @Test func aTargetWithoutARowIsReported() {
    let more = targets + [SourceTarget(name: "New", dependencies: ["Core"])]
    #expect(ImportChecker.violations(of: table, in: more) == ["New is not in the table"])
  }

  @Test func aRowWithoutATargetIsReported() {
    #expect(
      ImportChecker.violations(of: table, in: Array(targets.dropLast()))
        == ["Devices is in the table, but not in the package"])
  }

  @Test func anUndeclaredImportIsReported() {
    var wrong = targets
    wrong[2].imports = ["App", "Core", "Glibc"]
    #expect(ImportChecker.violations(of: table, in: wrong) == ["Devices imports App without depending on it"])
  }

  @Test func forbiddenImportsAreReported() {
    #expect(
      ImportChecker.imports(of: ["Glibc"], by: ["App", "Core"], in: targets) == ["App imports Glibc"])
    #expect(ImportChecker.imports(of: ["Glibc"], by: ["Core"], in: targets) == [])
  }

  @Test func theClosureReachesThroughOthers() {
    let chain = targets + [SourceTarget(name: "Top", dependencies: ["App"])]
    #expect(ImportChecker.closure(of: "Top", in: chain) == ["Top", "App", "Core"])
    #expect(ImportChecker.closure(of: "Core", in: chain) == ["Core"])
    #expect(ImportChecker.closure(of: "Top", in: chain, without: ["App"]) == ["Top"])
  }

  @Test func everyFormOfImportIsSeen() {
    let source = """
      import Glibc
      @testable import Machine
      public import Measurement
      @preconcurrency package import KVM
      import struct Foundation.URL
        import class GuestMemory.GuestMemory  // why
      // import Nothing
      let text = "import Nothing"
      importer.import(Nothing)
      """
    #expect(
      ImportChecker.imports(in: source)
        == ["Glibc", "Machine", "Measurement", "KVM", "Foundation", "GuestMemory"])
  }
}
