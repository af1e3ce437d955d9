import MachineLauncher
import Testing

struct NetworkBackingTests {
  static let backings: [NetworkBacking] = [
    .echo, .sink, .source(size: 64, rate: 0), .source(size: 1514, rate: 100_000), .source(size: 65_549, rate: 0),
    .socket(descriptor: 7),
    .tap(name: "pvb-tap0"), .stack(.echo), .stack(.sink), .iperf3, .peer,
  ]

  @Test(arguments: backings) func commandLineIsReadBack(_ backing: NetworkBacking) throws {
    var specification = MachineSpecification()
    specification.network = backing
    #expect(specification.arguments.contains("network=\(backing)"))
    #expect(try MachineSpecification(arguments: specification.arguments).network == backing)
  }

  static let nonsense = [
    "", "wire", "echo:1", "source", "source:59:0", "source:65550:0", "source:64:x", "source:64:0:0", "socket:-1", "tap",
    "stack",
    "stack:both", "peer:2", "iperf3:1",
  ]

  @Test(arguments: nonsense) func nonsenseIsRefused(text: String) {
    #expect(throws: SpecificationError.self) { try MachineSpecification(arguments: ["network=\(text)"]) }
  }
}
