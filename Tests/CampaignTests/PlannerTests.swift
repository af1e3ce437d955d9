import Foundation
import MachineLauncher
import Testing

@testable import Campaign
@testable import HostTopology

struct PlannerTests {
  private func plan(_ request: RunRequest) throws -> Plan { try Planner.plan(request, library: .embedded()) }

  private func usage(_ change: (inout RunRequest) -> Void) -> String? {
    var request = RunRequest()
    change(&request)
    return #expect(throws: CampaignError.self) { try plan(request) }?.description
  }

  @Test func roundsAreOfEveryWorkloadWhoseModesAlternate() {
    let steps = Planner.schedule([4..<6, 6..<8], repetitions: 3, order: .interleaved)
    #expect(steps.map(\.cell) == [4, 5, 6, 7, 5, 4, 7, 6, 4, 5, 6, 7])
    #expect(steps.map(\.index) == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2])
  }

  @Test func sequentialRunsOneModeAfterTheOther() {
    let steps = Planner.schedule([0..<2, 2..<3], repetitions: 2, order: .sequential)
    #expect(steps.map(\.cell) == [0, 0, 1, 1, 2, 2])
    #expect(steps.map(\.index) == [0, 1, 0, 1, 0, 1])
  }

  @Test func nothingAskedForIsEverythingInBothModes() throws {
    let plan = try plan(RunRequest())
    let rows = try SuiteLibrary.embedded().suites.flatMap(\.workloads)
    let bare = rows.count { $0.runsAsProcess && $0.modes.contains("paravirt") }
    #expect(plan.cells.count == rows.reduce(bare) { $0 + $1.modes.count })
    let asked = try #require(plan.request.repetitions)
    #expect(plan.steps.count == plan.cells.reduce(0) { $0 + min(asked, $1.workload.repetitions ?? asked) })
    #expect(Set(plan.cells.map(\.mode.name)) == ["full", "paravirt"])
  }

  @Test func aLargeRunHasEnoughRepetitionsForHolmsCorrectionOverAllItsPairs() throws {
    #expect(try plan(.of("disk.randread.4k.qd1")).request.repetitions == 2)
    var request = RunRequest()
    request.suites = ["console"]
    #expect(try plan(request).request.repetitions == 10)
    let whole = try plan(RunRequest())
    let pairs = Set(whole.cells.filter { $0.skipReason == nil && $0.mode.name == "paravirt" }.map(\.key.workload))
      .intersection(whole.cells.filter { $0.skipReason == nil && $0.mode.name == "full" }.map(\.key.workload)).count
    let repetitions = try #require(whole.request.repetitions)
    #expect(Double(pairs) * 2 / Double(1 << repetitions) <= 0.05)
    #expect(Double(pairs) * 2 / Double(1 << (repetitions - 1)) > 0.05)
  }

  @Test func aRowMayHaveFewerRepetitionsThanAskedFor() throws {
    let plan = try plan(.of("platform.clock.drift.tsc", "platform.eoi", modes: ["full"]))
    #expect(plan.steps.count { $0.cell == 0 } == 1)
    #expect(plan.steps.count { $0.cell == 1 } == 2)
    let document = try PlanDocument(plan, library: .embedded())
    #expect(document.cells.map(\.repetitions) == [1, 2])
    #expect(document.cells[0].estimatedSeconds == PlanEstimate.seconds(plan.cells[0]))
  }

  @Test func vCPUsTakeTurnsOnTheCPUsThatTheirRowAllows() throws {
    let pinning = PinningPlan(vcpuCPUs: [3, 2, 1, 3], ioCPU: 0, node: 0, warning: nil)
    let resources = MachineResources(placements: [.local: .success(Placement(pinning: pinning, memoryNodes: []))])
    func cpus(_ workload: String) throws -> [Int] {
      let plan = try plan(.of(workload, modes: ["full"]))
      return plan.specification(of: plan.steps[0], disk: nil, resources: resources).vcpuCPUs
    }
    #expect(try cpus("platform.lock.4vcpus") == [3, 2, 1, 3])
    #expect(try cpus("platform.lock.4vcpus.2cpus") == [3, 2])
    #expect(try cpus("platform.lock.2vcpus.1cpu") == [3])
  }

  @Test func quickTakesTaggedRowsAndShortWindows() throws {
    var request = RunRequest()
    request.quick = true
    let plan = try plan(request)
    let rows = try SuiteLibrary.embedded().suites.flatMap(\.workloads).filter { $0.tags.contains("quick") }
    #expect(Set(plan.cells.map(\.workload.id)) == Set(rows.map(\.id)))
    #expect(plan.request.repetitions == 6)
    #expect(plan.cells.allSatisfy { $0.warmupNanoseconds == min($0.workload.warmupNanoseconds, 100_000_000) })
    #expect(plan.cells.allSatisfy { $0.windowNanoseconds == 300_000_000 })
  }

  @Test func quickKeepsWorkloadsThatAreNamed() throws {
    var request = RunRequest.of("disk.seqwrite.128k.qd1")
    request.quick = true
    #expect(try plan(request).cells.map(\.workload.id) == ["disk.seqwrite.128k.qd1", "disk.seqwrite.128k.qd1"])
  }

  @Test func patternsSelectWorkloads() throws {
    #expect(Set(try plan(.of("disk.*.128k.qd1")).cells.map(\.workload.id)).count == 4)
  }

  @Test func ideAtDepthIsSkippedWithItsReason() throws {
    let cells = try plan(.of("disk.randread.4k.qd32")).cells
    #expect(cells.map(\.skipReason) == ["IDE has queue depth 1 only", nil])
  }

  @Test func workloadThatFixesAChoiceSkipsVariantsOfIt() throws {
    let cells = try plan(.of("disk.randread.4k.qd1.polled", modes: ["full"])).cells
    #expect(cells.map(\.skipReason) == [nil])
    #expect(cells.map { $0.choices["completion"] } == ["polled"])
  }

  @Test func requirementThatAModeLacksIsSkipped() throws {
    var library = try SuiteLibrary.embedded().suites
    let suite = try #require(library.firstIndex { $0.name == "disk" })
    library[suite].workloads[0].requires = ["disk": ["virtio-blk"]]
    let cells = try Planner.plan(.of("disk.randread.4k.qd1"), library: SuiteLibrary(suites: library)).cells
    #expect(cells.map(\.skipReason) == ["needs disk=virtio-blk, this mode has ide-pio", nil])
  }

  @Test func everyModeOfABlockHasTheSameGuestSeed() throws {
    let plan = try plan(.of("disk.randread.4k.qd1", "disk.seqread.4k.qd1"))
    let seeds = plan.steps.map(plan.guestSeed)
    #expect(seeds[0] == seeds[1])
    #expect(seeds[2] == seeds[3])
    #expect(Set(seeds).count == 4)
  }

  @Test func specificationCarriesWhatTheGuestNeeds() throws {
    let plan = try plan(.of("disk.randread.4k.qd32", modes: ["paravirt"]))
    let arguments = plan.specification(of: plan.steps[0], disk: "/d", resources: MachineResources()).arguments
    for expected in [
      "disk=/d", "kernel=disk", "choice:disk=virtio-blk", "parameter:operation=read", "parameter:access=random",
      "parameter:block=4096", "parameter:depth=32", "parameter:completion=interrupt", "parameter:sectors=131072",
      "parameter:imageseed=\(plan.imageSeed)", "seed=\(plan.guestSeed(of: plan.steps[0]))", "warmup-ns=500000000",
      "window-ns=2000000000",
    ] { #expect(arguments.contains(expected)) }
  }

  private func backing(_ workload: String, _ mode: String) throws -> DiskBacking {
    let plan = try plan(.of(workload, modes: [mode]))
    return plan.specification(of: plan.steps[0], disk: "/d", resources: MachineResources()).disk
  }

  @Test func backEndIsTheRowsOrTheModes() throws {
    let seed = try plan(.of("disk.randread.4k.qd1")).imageSeed
    #expect(try backing("disk.randread.4k.qd1", "full") == .file(path: "/d", isBuffered: false))
    #expect(try backing("disk.randread.4k.qd1", "full+backend=cached") == .file(path: "/d", isBuffered: true))
    #expect(try backing("disk.randread.4k.qd1", "paravirt+backend=sqpoll") == .polledFile(path: "/d"))
    #expect(try backing("disk.randread.4k.qd1", "full+backend=memory") == .memory(byteCount: 64 << 20, imageSeed: seed))
    #expect(try backing("disk.randread.4k.qd1", "full+backend=null") == .null(byteCount: 64 << 20))
    #expect(try backing("disk.randread.4k.qd1.null", "full") == .null(byteCount: 64 << 20))
    #expect(try backing("console.write.80b", "full") == .none)
  }

  @Test(arguments: [
    ("disk.randread.4k.qd1", "full", true), ("disk.randread.4k.qd1", "full+backend=cached", true),
    ("disk.randread.4k.qd1", "full+backend=memory", false),
    ("disk.randread.4k.qd1.null", "full", false), ("disk.mixed70.4k.qd32", "full", false),
    ("console.write.80b", "full", false),
  ]) func imageIsMadeOnlyWhereSomethingUsesIt(workload: String, mode: String, isNeeded: Bool) throws {
    #expect(try plan(.of(workload, modes: [mode])).needsDisk == isNeeded)
  }

  @Test func imageIsNotCheckedWhereTheGuestHadAnother() throws {
    let plan = try plan(.of("disk.randwrite.4k.qd1", modes: ["paravirt+backend=memory"]))
    #expect(try plan.imageAccess(of: plan.steps[0], slots: [5]) == nil)
  }

  @Test func mixedRowIsReplayedWithItsReads() throws {
    let plan = try plan(.of("disk.mixed70.4k.qd1", modes: ["paravirt"]))
    let access = try #require(try plan.imageAccess(of: plan.steps[0], slots: [5]))
    #expect(access.pattern.readPercent == 70)
    #expect(access.writtenOperations == [5])
  }

  @Test func exitDoorbellNeedsAVirtioDevice() throws {
    let modes = ["full+doorbell=exit", "paravirt+doorbell=exit"]
    #expect(
      try plan(.of("disk.randread.4k.qd1", modes: modes)).cells.map(\.skipReason) == [
        "IDE has no doorbell to choose", nil,
      ])
    #expect(
      try plan(.of("console.write.80b", modes: modes + ["full+transport=mmio"])).cells.map(\.skipReason) == [
        "a UART has no doorbell to choose", nil, "a UART has no virtio transport to choose",
      ])
  }

  @Test func entropyNeedsItsDevice() throws {
    let modes = ["full", "paravirt", "full+entropy=virtio-rng"]
    #expect(
      try plan(.of("platform.entropy.64b", modes: modes)).cells.map(\.skipReason) == [
        "no entropy device in this mode", nil, nil,
      ])
  }

  @Test func kvmclockNeedsTheLeavesOfKVM() throws {
    let modes = ["full", "full+clock=kvmclock", "paravirt+cpuid=hidden", "paravirt"]
    let cells = try plan(.of("platform.clock.read", modes: modes)).cells
    #expect(cells.map(\.skipReason) == [nil, "clock=kvmclock needs cpuid=kvm", "clock=kvmclock needs cpuid=kvm", nil])
  }

  @Test func aSplitIRQChipHasNo8259AndNoPIT() throws {
    func reasons(_ workload: String, _ modes: String...) throws -> [String?] {
      try plan(.of(workload, modes: modes.map { $0 + "+irqchip=split" })).cells.map(\.skipReason)
    }
    let reason = "irqchip=split has no 8259 and no PIT"
    #expect(try reasons("disk.randread.4k.qd1", "full", "full+disk=ide-dma", "paravirt") == [reason, reason, nil])
    #expect(try reasons("disk.randread.4k.qd1.polled", "full", "paravirt") == [nil, nil])
    #expect(try reasons("network.roundtrip.64b.qd1", "full", "paravirt") == [nil, nil])
    #expect(try reasons("platform.clock.read", "full", "full+clock=pit", "paravirt") == [nil, reason, nil])
    #expect(try reasons("platform.timer.1ms", "full", "full+timer=pit", "paravirt") == [nil, reason, nil])
    #expect(try reasons("console.write.80b", "full") == [nil])
  }

  @Test func theGuestIsToldWhichClockAndTimer() throws {
    func parameters(_ workload: String, _ mode: String) throws -> [String] {
      let plan = try plan(.of(workload, modes: [mode]))
      return plan.specification(of: plan.steps[0], disk: nil, resources: MachineResources()).parameters
        .map { "\($0.name)=\($0.value)" }
    }
    #expect(try parameters("platform.clock.read", "full") == ["clock=pmtimer"])
    #expect(try parameters("platform.clock.read", "full+clock=rtc") == ["clock=rtc"])
    #expect(try parameters("platform.timer.1ms", "paravirt") == ["period=1000000", "timer=tsc-deadline"])
  }

  @Test func balloonWorkloadsNeedABalloon() throws {
    for workload in ["platform.balloon.inflate", "platform.balloon.reporting"] {
      let cells = try plan(.of(workload, modes: ["full", "paravirt", "full+memory=balloon"])).cells
      #expect(cells.map(\.skipReason) == ["no balloon in this mode", nil, nil])
    }
  }

  @Test func consoleIsNoChoiceOfOtherWorkloads() throws {
    let cells = try plan(.of("disk.randread.4k.qd1", modes: ["paravirt+console=uart"])).cells
    #expect(cells.map(\.skipReason) == ["disk workloads do not use console"])
  }

  @Test func choicesOfACellAreThoseItsWorkloadUses() throws {
    let cells = try plan(.of("disk.randread.4k.qd1", modes: ["paravirt+net=e1000"])).cells
    #expect(cells.map(\.skipReason) == ["disk workloads do not use net"])
    #expect(cells[0].choices["net"] == nil)
    #expect(cells[0].choices["disk"] == "virtio-blk")
  }

  @Test func ablationTurnsOnlyWhatTheWorkloadUses() throws {
    var request = RunRequest.of("disk.randread.4k.qd1")
    request.ablate = true
    let names = try plan(request).cells.map(\.mode.name)
    #expect(names.contains("full+disk=virtio-blk"))
    #expect(!names.contains { $0.contains("net=") })
  }

  @Test func moreInFlightThanTheGuestHasBuffersForIsSkipped() throws {
    var library = try SuiteLibrary.embedded().suites
    let suite = try #require(library.firstIndex { $0.name == "disk" })
    library[suite].workloads[0].parameters = [.init(name: "block", value: "1048576"), .init(name: "depth", value: "9")]
    let id = library[suite].workloads[0].id
    let cells = try Planner.plan(.of(id, modes: ["paravirt"]), library: SuiteLibrary(suites: library)).cells
    #expect(cells.map(\.skipReason) == ["the guest has buffers for 8 MiB in flight"])
  }

  @Test func unknownNamesAreAnsweredWithTheNearest() {
    #expect(usage { $0.suites = ["dsik"] } == "unknown suite 'dsik' (did you mean 'disk'?)")
    #expect(
      usage { $0.workloads = ["disk.randred.4k.qd1"] }
        == "unknown workload 'disk.randred.4k.qd1' (did you mean 'disk.randread.4k.qd1'?)")
    #expect(usage { $0.modes = ["paravrt"] } == "unknown mode 'paravrt' (did you mean 'paravirt'?)")
    #expect(usage { $0.variants = [["dsk=virtio-blk"]] } == "unknown choice 'dsk' (did you mean 'disk'?)")
    #expect(
      usage { $0.variants = [["disk=virtio-bl"]] } == "unknown value of disk 'virtio-bl' (did you mean 'virtio-blk'?)")
    #expect(usage { $0.variants = [["disk"]] } == "'disk': expected a choice such as disk=virtio-blk")
  }

  @Test func valuesOutOfRangeAreUsageErrors() {
    #expect(usage { $0.repetitions = 0 } == "--reps 0: expected 1 to 10000")
    #expect(usage { $0.vcpus = 17 } == "--vcpus 17: expected 1 to 16")
    #expect(usage { $0.memory = 1 << 20 } == "--memory 1 MiB: expected 16MiB to 1GiB in whole pages")
    #expect(usage { $0.repetitions = 10_000 }?.contains("at most 100000") == true)
  }

  @Test func suiteIOMeansDiskAndNetwork() throws {
    var request = RunRequest()
    request.suites = ["io"]
    #expect(Set(try plan(request).cells.map(\.workload.suite)) == ["disk", "network"])
  }
}

struct ModeTests {
  private func names(_ change: (inout RunRequest) -> Void) throws -> [String] {
    var request = RunRequest()
    change(&request)
    return try Mode.resolve(request).map(\.name)
  }

  @Test func variantNamesHoldOnlyWhatDiffersInOrder() throws {
    #expect(
      try Mode.parse("full+disk=virtio-blk+completion=polled+console=uart").name
        == "full+completion=polled+disk=virtio-blk")
  }

  @Test func modeThatEqualsARowHasItsName() throws {
    let paravirt = try #require(MachineProfile.choices(of: "paravirt")).map { "\($0.key)=\($0.value)" }
    #expect(try Mode.parse((["full"] + paravirt).joined(separator: "+")).name == "paravirt")
    #expect(try Mode.parse("paravirt+disk=virtio-blk").name == "paravirt")
  }

  @Test func variantsAreAddedToTheirBases() throws {
    #expect(try names { $0.variants = [["disk=virtio-blk"]] } == ["full", "paravirt", "full+disk=virtio-blk"])
  }

  @Test func ablationHasBothEndsAndEveryModeOneChoiceAway() throws {
    let full = try #require(MachineProfile.choices(of: "full"))
    let paravirt = try #require(MachineProfile.choices(of: "paravirt"))
    var request = RunRequest()
    request.ablate = true
    let choices = try Mode.resolve(request).map(\.choices)
    #expect(choices.first == full)
    #expect(choices.last == paravirt)
    #expect(Set(choices).count == choices.count)
    for (name, value) in paravirt where full[name] != value {
      #expect(choices.contains(full.merging([name: value]) { $1 }))
      #expect(choices.contains(paravirt.merging([name: full[name] ?? ""]) { $1 }))
    }
    #expect(choices.allSatisfy { mode in [full, paravirt].contains { end in end.count { mode[$0] != $1 } <= 1 } })
  }

  @Test func ablationKeepsTheModesThatAreNamed() throws {
    let modes = try names { request in
      request.modes = ["full+completion=polled"]
      request.ablate = true
    }
    #expect(modes.starts(with: ["full+completion=polled", "full"]))
    #expect(modes.contains("paravirt"))
  }

  @Test func withoutOptionsEverySuiteRunsInItsModes() throws {
    let library = try SuiteLibrary.embedded()
    let workloads = library.suites.flatMap(\.workloads)
    let planned = Dictionary(
      grouping: try Planner.plan(RunRequest(), library: library).cells.filter { $0.runner == nil }, by: \.workload.id)
    #expect(
      planned.mapValues { $0.map(\.mode.name) } == Dictionary(uniqueKeysWithValues: workloads.map { ($0.id, $0.modes) })
    )
    #expect(Set(workloads.map(\.suite)) == Set(library.suites.map(\.name)))
  }
}

struct PlanDocumentTests {
  @Test func dryRunShowsCellsReasonsAndTotals() throws {
    let plan = try Planner.plan(.of("disk.randread.4k.qd32", repetitions: 6), library: .embedded())
    #expect(
      try PlanDocument(plan, library: .embedded()).text == """
        WORKLOAD               MODE      REPS  WARM-UP  WINDOW  TIME
        disk.randread.4k.qd32  full         6    0.5 s   2.0 s     –  skipped (IDE has queue depth 1 only)
        disk.randread.4k.qd32  paravirt     6    0.5 s   2.0 s  17 s

        12 repetitions in 2 cells, about 17 s and 64 MiB of disk space; seed 1

        """)
  }

  @Test func aLongPlanSaysHowToHaveLess() throws {
    let library = try SuiteLibrary.embedded()
    let all = PlanDocument(try Planner.plan(RunRequest(), library: library), library: library)
    #expect(all.text.contains("; --quick takes about "))
    var request = RunRequest()
    request.quick = true
    let quick = PlanDocument(try Planner.plan(request, library: library), library: library)
    #expect(!quick.text.contains("--quick"))
  }

  @Test func machineFormHoldsScheduleAndEstimate() throws {
    let plan = try Planner.plan(.of("disk.flush.4k.qd1"), library: .embedded())
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(PlanDocument(plan, library: .embedded()).json.utf8)) as? [String: Any]
    )
    #expect(
      (object["steps"] as? [[String: Any]])?.map { $0["mode"] as? String } == ["full", "paravirt", "paravirt", "full"])
    #expect((object["cells"] as? [[String: Any]])?.count == 2)
    #expect((object["estimate"] as? [String: Double])?["seconds"] == 11)
  }

  @Test func longProgrammedOutputIsPartOfTheEstimate() throws {
    let plan = try Planner.plan(.of("disk.seqwrite.128k.qd1"), library: .embedded())
    #expect(PlanEstimate.seconds(plan.cells[0]) > 2 * PlanEstimate.seconds(plan.cells[1]) - 0.3)
  }
}
