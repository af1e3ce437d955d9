import Testing

@testable import Campaign

struct ConfigurationTests {
  private let folder: TemporaryFolder
  private var xdg: [String: String] { ["XDG_CONFIG_HOME": folder.file("xdg")] }

  init() throws { folder = try TemporaryFolder() }

  private func load(_ environment: [String: String] = [:]) throws -> Configuration {
    try Configuration.load(environment: xdg.merging(environment) { $1 }, workingDirectory: folder.path)
  }

  @Test func nothingIsSetByDefault() throws { #expect(try load() == Configuration()) }

  @Test func nearerSourcesWin() throws {
    try folder.write("seed: 1\nreps: 11\nout: far\norder: sequential\n", to: "xdg/pvbench/config.yaml")
    try folder.write("seed: 2\nreps: 12\n", to: "pvbench.yaml")
    let configuration = try load(["PVBENCH_SEED": "3"])
    #expect(configuration.seed == 3)
    #expect(configuration.reps == 12)
    #expect(configuration.out == "far")
    #expect(configuration.order == .sequential)
  }

  @Test func flagsWinOverAll() throws {
    var request = RunRequest()
    request.seed = 4
    request.fill(from: try load(["PVBENCH_SEED": "3", "PVBENCH_REPS": "7"]))
    #expect(request.seed == 4)
    #expect(request.repetitions == 7)
  }

  @Test func disturbancesAreToleratedByName() throws {
    var request = RunRequest()
    request.fill(from: try load(["PVBENCH_TOLERATE": "load,steal"]))
    #expect(request.tolerated == [.load, .steal])
    #expect(
      throws: CampaignError.usage("PVBENCH_TOLERATE: expected \(Disturbance.forms), found 'heat'")
    ) { try load(["PVBENCH_TOLERATE": "heat"]) }
  }

  @Test func wrongValuesNameTheirPlace() throws {
    try folder.write("seed: 2\nreps: many\n", to: "pvbench.yaml")
    #expect(throws: CampaignError.usage("pvbench.yaml:2: reps: expected 1 to 10000, found 'many'")) { try load() }
    try folder.write("sed: 2\n", to: "pvbench.yaml")
    #expect(throws: CampaignError.usage("pvbench.yaml:1: unknown key 'sed' (did you mean 'seed'?)")) { try load() }
    try folder.write("", to: "pvbench.yaml")
    #expect(throws: CampaignError.usage("PVBENCH_ORDER: expected interleaved or sequential, found 'x'")) {
      try load(["PVBENCH_ORDER": "x"])
    }
  }
}
