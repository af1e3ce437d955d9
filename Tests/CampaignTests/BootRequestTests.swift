import MachineLauncher
import Testing

@testable import Campaign

@Suite("what pvbench boot is asked for")
struct BootRequestTests {
  private func request(_ change: (inout BootRequest) -> Void) -> BootRequest {
    var request = BootRequest()
    request.kernel = "/dev/null"
    change(&request)
    return request
  }

  private func error(_ request: BootRequest) -> CampaignError? {
    do throws(CampaignError) { _ = try request.specification(kvmPath: "/dev/kvm") } catch { return error }
    return nil
  }

  @Test func theDefaultIsAParavirtualMachineWithoutNetwork() throws {
    let specification = try request { _ in }.specification(kvmPath: "/dev/other")
    #expect(specification.choices["disk"] == "virtio-blk")
    #expect(specification.choices["net"] == "none")
    #expect(specification.kvmPath == "/dev/other")
    #expect(specification.foreign?.kernel == "/dev/null")
    #expect(specification.foreign?.bootProtocol == .automatic)
  }

  @Test func choicesAndDevicesReachTheMachine() throws {
    let specification = try request {
      $0.mode = "full"
      $0.choices = ["disk=ide-dma"]
      $0.disk = "/dev/null"
      $0.network = "tap:t0"
      $0.vcpus = 2
    }.specification(kvmPath: "/dev/kvm")
    #expect(specification.choices["disk"] == "ide-dma")
    #expect(specification.choices["net"] == "e1000")
    #expect(specification.disk == .file(path: "/dev/null", isBuffered: false))
    #expect(specification.network == .tap(name: "t0"))
    #expect(specification.vcpus == 2)
  }

  @Test func aForeignMachineTravelsAsArguments() throws {
    let specification = try request {
      $0.append = "quiet init=/bin/sh"
      $0.initrd = "/dev/null"
      $0.hasACPI = false
      $0.isForced = true
      $0.marker = "login:"
    }.specification(kvmPath: "/dev/kvm")
    #expect(try MachineSpecification(arguments: specification.arguments) == specification)
    #expect(try MachineSpecification(arguments: specification.arguments).foreign == specification.foreign)
  }

  @Test func exactlyOneKernelIsNeeded() {
    #expect(error(request { $0.multiboot = "/dev/null" }) == error(request { $0.kernel = nil }))
    #expect(error(request { $0.kernel = nil })?.exitCode == 64)
  }

  @Test func whatMakesNoSenseIsAUsageError() {
    #expect(error(request { $0.memory = 16 << 20 })?.exitCode == 64)
    #expect(error(request { $0.vcpus = 17 })?.exitCode == 64)
    #expect(error(request { $0.network = "tun" })?.exitCode == 64)
    #expect(error(request { $0.network = "peer" })?.exitCode == 64)
    #expect(error(request { $0.choices = ["disk=floppy"] })?.exitCode == 64)
    #expect(error(request { $0.initrd = "/nonexistent" })?.exitCode == 64)
  }
}

@Suite("what pvbench boot says")
struct BootRecordTests {
  @Test func phasesThatWereNotSeenAreNotZero() {
    var report = RunnerReport()
    report.status = .ok
    report.metrics = ["boot.vmm_ready": 0.0125, "boot.end": 2]
    let record = BootRecord(report)
    #expect(record.text.contains("VMM ready           12.5 ms\n"))
    #expect(record.text.contains("init                not seen\n"))
    #expect(record.exitCode == 0)
    #expect(record.failure == nil)
  }

  @Test func whatTheHostLacksIsExitCode69() {
    let record = BootRecord(.skipped("ring 0 is interpreted"))
    #expect(record.exitCode == 69)
    #expect(record.failure == "ring 0 is interpreted")
    #expect(record.text.isEmpty)
  }

  @Test func aFailureIsExitCode1() {
    var report = RunnerReport()
    report.reason = "the guest triple-faulted"
    #expect(BootRecord(report).exitCode == 1)
  }
}
