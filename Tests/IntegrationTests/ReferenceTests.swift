import Glibc
import Machine
import MachineLauncher
import Measurement
import Testing

/// Tests/Reference/reference.c, compiled for the tests.
final class ReferenceRunner {
  private let path: String
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    let tests = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
    let source = "/\(tests)/Reference/reference.c"
    path = "\(folder.path)/reference"
    let compiler = try #require(Self.compiler, "neither clang nor cc is in PATH")
    // The compiler looks for its linker there, too.
    let environment = ["/usr/bin/env", "PATH=\(Self.searchPath)"]
    let options = ["-O2", "-Wall", "-Wextra", "-Werror", "-static"]
    let result = try Child.run(environment + [compiler] + options + ["-o", path, source])
    try #require(result.status == 0, "\(result.errors)")
  }

  func run(_ arguments: [String]) throws -> Child.Result { try Child.run([path] + arguments) }

  private static let searchPath: String = getenv("PATH").map { String(cString: $0) } ?? ""

  private static let compiler: String? = {
    let folders = searchPath.split(separator: ":").map(String.init)
    let paths: [String] = ["clang", "cc"].flatMap { name in folders.map { "\($0)/\(name)" } }
    return paths.first { access($0, X_OK) == 0 }
  }()
}

extension RealGuests {
  @Suite("the smallest runner")
  struct ReferenceTests {
    private func specification(_ way: String) -> MachineSpecification {
      var specification = MachineSpecification()
      specification.kernel = "exits"
      specification.parameters = [("way", way)]
      specification.warmupNanoseconds = 10_000_000
      specification.windowNanoseconds = 100_000_000
      return specification
    }

    @Test(arguments: ["pio-out", "mmio-write", "lapic-read"])
    func theReferenceIsGivenTheSameArgumentsAndReportsTheSameFigures(way: String) throws {
      let result = try ReferenceRunner().run(specification(way).arguments)
      #expect(result.status == 0, "\(result.errors)")
      let report = RunnerReport(parsing: result.output)
      #expect(report.isComplete)
      #expect(report.status == .ok)
      #expect(try #require(report.metrics["window.ops"]) > 100)
      #expect(try #require(report.metrics["latency.min"]) <= #require(report.metrics["latency.p50"]))
    }

    @Test func theReferenceRefusesAnotherWay() throws {
      let result = try ReferenceRunner().run(["parameter:way=teleport"])
      #expect(result.status == 64)
      #expect(result.errors == "reference: parameter:way: expected pio-out, mmio-write or lapic-read\n")
    }
  }
}
