import Testing

@testable import HostTopology

@Suite("the host at a moment")
struct HostMomentTests {
  private let clocks = HostClocks(realtime: 4, raw: 3, monotonic: 2, boot: 1)

  private func moment(_ changes: [String: String?], cpus: [Int]) throws -> HostMoment {
    let tree = try FixtureTree.server(changes)
    return HostProbe(sysfs: tree.sysfs, procfs: tree.procfs).moment(cpus: cpus, clocks: clocks)
  }

  @Test func everythingOfACPUIsRead() throws {
    let folder = "sys/devices/system/cpu/cpu2"
    let host = try moment(
      [
        "proc/stat": "cpu  9 9 9 9 9 9 9 999 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\ncpu2 1 2 3 4 5 6 7 1250 9 10\n",
        "\(folder)/thermal_throttle/core_throttle_count": "3\n",
        "\(folder)/thermal_throttle/package_throttle_count": "4\n",
        "\(folder)/cpufreq/scaling_governor": "schedutil\n", "\(folder)/cpufreq/scaling_min_freq": "800000\n",
        "\(folder)/cpufreq/scaling_max_freq": "3500000\n", "\(folder)/cpufreq/scaling_cur_freq": "1200000\n",
      ], cpus: [2])
    var expected = CPUMoment(id: 2)
    expected.stealSeconds = 12.5
    expected.throttles = 7
    expected.governor = "schedutil"
    expected.frequencyLimits = "800000-3500000"
    expected.frequency = 1_200_000
    #expect(host == HostMoment(cpus: [expected], clocksource: "hpet", clocks: clocks))
  }

  @Test func whatIsNotThereIsUnknown() throws {
    let host = try moment(
      [
        "proc/stat": nil, "sys/devices/system/clocksource/clocksource0/current_clocksource": nil,
        "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": nil,
      ], cpus: [1])
    #expect(host == HostMoment(cpus: [CPUMoment(id: 1)], clocksource: nil, clocks: clocks))
  }

  @Test func withoutAChoiceAllCPUsMatter() throws {
    #expect(try moment([:], cpus: []).cpus.map(\.id) == Array(0..<8))
    #expect(try moment([:], cpus: [3, 1, 3]).cpus.map(\.id) == [1, 3])
  }

  @Test func theClocksGoOn() {
    let first = HostClocks.now()
    let second = HostClocks.now()
    #expect(first.raw > 0 && second.raw >= first.raw)
    #expect(second.monotonic >= first.monotonic && second.boot >= second.monotonic)
    #expect(second.realtime > second.boot)
  }
}
