import Foundation
import Testing

/// `pvbench doctor` as a program, on a host that is made up.
@Suite("pvbench doctor", .serialized) struct DoctorTests {
  private static let governor = MadeUpHost.settings[0].0

  @Test func lookingChangesNothing() throws {
    let host = try MadeUpHost()
    let result = try host.doctor()
    #expect(result.output.contains("the frequency governor is powersave,"))
    #expect(host.values == MadeUpHost.before)
    #expect(host.state == [])
  }

  @Test func noLineButACommandIsLongerThanEightyCharacters() throws {
    // The made-up host's own paths are longer than a host's.
    let host = try MadeUpHost()
    let lines = try host.doctor().output.split(separator: "\n").filter { !$0.contains(host.root.path) }
    #expect(lines.filter { $0.count > 80 && !$0.hasPrefix("               fix: ") } == [])
    #expect(lines.count > 20)
  }

  @Test func fixPrintsAScriptAndChangesNothing() throws {
    let host = try MadeUpHost()
    let script = try host.doctor("--fix").output
    #expect(script.contains("echo performance | tee \(host.root.path)/sys/devices/system/cpu/cpu[0-9]*/cpufreq/"))
    #expect(script.contains("echo N | tee /sys/module/kvm/parameters/nx_huge_pages"))
    #expect(try Child.run(["/bin/sh", "-n", "-c", script]).status == 0)
    #expect(host.values == MadeUpHost.before)
  }

  @Test func appliedSettingsArePutBack() throws {
    let host = try MadeUpHost()
    let applied = try host.doctor("--fix", "--apply")
    #expect(applied.errors.contains("4 settings of this host are as pvbench doctor --apply left them"))
    #expect(host.values == MadeUpHost.after)
    #expect(host.read("sys/module/kvm/parameters/nx_huge_pages") == "Y")
    #expect(try host.doctor().errors.contains("4 settings of this host are as"))
    #expect(host.values == MadeUpHost.after)
    _ = try host.doctor("--fix", "--restore")
    #expect(host.values == MadeUpHost.before)
    #expect(host.state == ["host-changes.lock"])
    #expect(try host.doctor("--restore").errors.contains("there is nothing to put back"))
  }

  @Test func applyingTwiceKeepsTheFirstValues() throws {
    let host = try MadeUpHost()
    _ = try host.doctor("--apply")
    try host.write("ondemand", to: Self.governor)
    _ = try host.doctor("--apply")
    #expect(host.values == MadeUpHost.after)
    _ = try host.doctor("--restore")
    #expect(host.values == ["ondemand"] + MadeUpHost.before.dropFirst())
  }

  @Test func whatSomebodyElseChangedIsLeftAloneAndNamed() throws {
    let host = try MadeUpHost()
    _ = try host.doctor("--apply")
    try host.write("ondemand", to: Self.governor)
    let result = try host.doctor("--restore")
    #expect(result.errors.contains("left alone, somebody else changed it: \(host.root.path)/\(Self.governor)"))
    #expect(host.values == ["ondemand"] + MadeUpHost.before.dropFirst())
  }

  @Test func settingsOfAnEarlierBootAreTheKernelsOwn() throws {
    let host = try MadeUpHost()
    _ = try host.doctor("--apply")
    try host.write("two", to: "proc/sys/kernel/random/boot_id")
    #expect(try !host.doctor().errors.contains("as pvbench doctor --apply left them"))
    _ = try host.doctor("--restore")
    #expect(host.values == MadeUpHost.after)
    #expect(host.state == ["host-changes.lock"])
  }

  @Test(arguments: ["--apply", "--restore"])
  func aProcessKilledAtAnyCallLeavesOldValuesOrAllNewOnes(action: String) throws {
    let library = try MadeUpHost.killer.get()
    var kills = 0
    for call in 1... {
      let host = try MadeUpHost(preloading: library)
      let first = action == "--restore" ? try host.doctor("--apply").status : 69
      try #require(first == 69)
      let result = try host.doctor(action, environment: ["PVBENCH_TEST_KILL_AT=\(call)"])
      let isWhole = host.state.contains("host-changes.json") && !host.state.contains("host-changes-unfinished.json")
      _ = try host.doctor()
      #expect(host.values == (isWhole ? MadeUpHost.after : MadeUpHost.before), "call \(call)")
      _ = try host.doctor("--restore")
      #expect(host.values == MadeUpHost.before, "call \(call)")
      guard result.status == 128 + SIGKILL else { break }
      kills += 1
    }
    #expect(kills >= 12)
  }

  @Test func theNextRunPutsBackWhatAKilledProcessLeft() throws {
    let host = try MadeUpHost(preloading: try MadeUpHost.killer.get())
    // After the journal's six calls and the two of the first setting.
    _ = try host.doctor("--apply", environment: ["PVBENCH_TEST_KILL_AT=9"])
    #expect(host.values == [MadeUpHost.after[0]] + MadeUpHost.before.dropFirst())
    let run = try host.pvbench(["run"], environment: ["PVBENCH_KVM_PATH=/nonexistent/kvm"])
    #expect(run.status == 69)
    let line = "put back after a pvbench that was killed: \(host.root.path)/\(Self.governor) is powersave"
    #expect(run.errors.contains(line))
    #expect(host.values == MadeUpHost.before)
    #expect(host.state == ["host-changes.lock"])
  }

  @Test func aFullDiskAtAnyCallLeavesNothingHalfChanged() throws {
    let library = try MadeUpHost.killer.get()
    for call in 1...6 {
      let host = try MadeUpHost(preloading: library)
      let result = try host.doctor("--apply", environment: ["PVBENCH_TEST_FULL_AT=\(call)"])
      #expect(result.status == 1, "call \(call)")
      #expect(result.errors.split(separator: "\n").count == 1, "call \(call): \(result.errors)")
      #expect(result.errors.contains("no space left on device"), "call \(call)")
      _ = try host.doctor()
      #expect(host.values == MadeUpHost.before, "call \(call)")
    }
  }

  @Test func twoProcessesAtATimeChangeEverythingOnce() throws {
    let host = try MadeUpHost()
    let program = "\(TemporaryFolder.programFolder)/pvbench"
    let arguments = [
      "/usr/bin/env", "PVBENCH_HOST_ROOT=\(host.root.path)", "PVBENCH_KVM_PATH=/dev/null", program, "doctor", "--apply",
    ]
    let children = try (0..<4).map { _ in try Child(arguments) }
    let results = children.map { $0.wait() }
    let refusal = "pvbench: another pvbench is changing this host's settings (wait until it has ended)\n"
    #expect(results.filter { $0.status != 69 && $0.errors != refusal }.map(\.errors) == [])
    #expect(host.values == MadeUpHost.after)
    _ = try host.doctor("--restore")
    #expect(host.values == MadeUpHost.before)
  }

  @Test func aDamagedJournalIsNamedAndNothingIsChanged() throws {
    let host = try MadeUpHost()
    try host.write("{", to: "var/lib/pvbench/host-changes.json")
    let result = try host.doctor("--apply")
    #expect(result.status == 1)
    #expect(result.errors.contains("host-changes.json is damaged"))
    #expect(host.values == MadeUpHost.before)
  }

  @Test func machineFormNamesEveryCheckWithItsStatus() throws {
    let text = try MadeUpHost().doctor("--json").output
    let document = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let checks = try #require(document["checks"] as? [[String: Any]])
    let statuses = Set(checks.compactMap { $0["status"] as? String })
    #expect(document["schema"] as? Int == 1)
    #expect(statuses == ["ok", "warning", "cannot_tell"])
    #expect(checks.allSatisfy { $0["id"] is String && $0["found"] is String && $0["why"] is String })
  }

  @Test func contradictingActionsAreAUsageError() throws {
    let result = try MadeUpHost().doctor("--apply", "--restore")
    #expect(result.status == 64)
    #expect(result.errors == "pvbench: --apply and --restore contradict each other\n")
  }
}
