import MachineLauncher
import Testing

@testable import Machine

@Suite("a runner that is not let run")
struct StandstillTests {
  @Test func latenessIsAStandstill() {
    var watch = StandstillWatch()
    watch.note(late: 1.8, runDelay: nil)
    watch.note(late: 0.5, runDelay: nil)
    #expect(abs(watch.seconds - 2.3) < 1e-6)
  }

  @Test func waitingForACPUIsNone() {
    var watch = StandstillWatch()
    watch.note(late: 0.2, runDelay: 1e6)
    #expect(watch.seconds == 0)
    watch.note(late: 1.5, runDelay: 1e6 + 0.5)
    #expect(abs(watch.seconds - 1) < 1e-6)
  }

  @Test func nobodyWaitsForLongerThanASlice() {
    var watch = StandstillWatch()
    #expect(watch.during(.max) { $0 } == StandstillWatch.slice)
    #expect(watch.during(7) { $0 } == 7)
  }

  @Test func theAccountOfStorageIsRead() {
    let account = "rchar: 1\nwchar: 2\nread_bytes: 8192\nwrite_bytes: 4096\n"
    #expect(ProcessUsage.storageReadBytes(inAccount: account) == 8192)
    #expect(ProcessUsage.storageReadBytes(inAccount: "rchar: 1\n") == nil)
  }

  /// What is watched: nothing, vCPUs, or I/O threads as well.
  @Test(arguments: [
    ("none", true), ("echo", true), ("stack:echo", false), ("peer", false), ("tap:x", false), ("iperf3", nil),
  ])
  func aFarSideRunsBesideTheIO(network: String, includesIO: Bool?) throws {
    var machine = MachineSpecification()
    machine.vcpuCPUs = [1]
    machine.ioCPU = 0
    machine.network = try #require(NetworkBacking(network))
    #expect(RunDelayWatch(machine)?.includesIO == includesIO)
  }

  @Test func threadsThatTakeTurnsHaveNoCPUsOfTheirOwn() {
    var machine = MachineSpecification()
    #expect(RunDelayWatch(machine) == nil)
    (machine.vcpus, machine.vcpuCPUs, machine.ioCPU) = (2, [0, 1], 1)
    #expect(RunDelayWatch(machine) == nil)
    (machine.vcpus, machine.vcpuCPUs, machine.ioCPU) = (4, [0, 1], 2)
    #expect(RunDelayWatch(machine) == nil)
    (machine.vcpus, machine.vcpuCPUs, machine.ioCPU) = (2, [0, 1], 2)
    #expect(RunDelayWatch(machine) != nil)
  }
}
