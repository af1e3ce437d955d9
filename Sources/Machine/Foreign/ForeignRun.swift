import CLinuxKVM
import DeviceModel
import Glibc
import GuestMemory
import KVM
import MachineLauncher
import PVWire

/// Runs one guest that pvbench did not write: the life of a runner process that was given a kernel's file. The guest's console
/// goes to standard output as it comes.
public enum ForeignRun {
  /// Builds the machine, starts the kernel and waits for its end.
  ///
  /// - Throws: `MachineError` where no guest could be started. A guest that fails is a report, and so is a host that cannot run
  ///   it: `skipped`.
  public static func run(
    _ specification: MachineSpecification, _ guest: ForeignGuest
  ) throws(MachineError) -> RunnerReport {
    do { return try ForeignMachine(specification, guest).run() } catch .unavailable(let reason) {
      return .skipped(reason)
    }
  }
}

/// A machine on its way to run a foreign guest once.
private final class ForeignMachine {
  private let specification: MachineSpecification
  private let started: UInt64
  private let isProgrammedIO: Bool
  private let kernelName: String
  private let memory: GuestMemory
  private let wiring: Wiring
  private let vcpus: [ForeignVCPU]
  private let power: MachineSwitch
  private let console: BootConsole
  private let workerFailure: WorkerFailure
  private let parent = getppid()
  // Last, and never used again: the VM must outlive everything that was attached to it.
  private let virtualMachine: VirtualMachine

  /// How long a kernel that gave up may be silent before its machine is switched off: it was told to reset it.
  private static let patienceAfterPanic: UInt64 = 1_000_000_000
  /// How long what a guest prints may wait for more.
  private static let flushNanoseconds: UInt64 = 20_000_000

  init(_ specification: MachineSpecification, _ guest: ForeignGuest) throws(MachineError) {
    started = guest.startNanoseconds ?? HostClock.sinceBoot()
    pv_use_one_heap()
    var specification = specification
    // All clocks are there; which of them is used is the guest's own choice.
    (specification.choices["clock"], specification.choices["timer"]) = ("tsc", "lapic")
    // Linux's driver is for the PIIX3's function, and leaves DMA alone where it is told to.
    isProgrammedIO = specification.choices["disk"] == "ide-pio"
    if isProgrammedIO { specification.choices["disk"] = "ide-dma" }
    self.specification = specification
    guard specification.choices["irqchip"] != "split" else {
      throw .unavailable("a foreign guest needs irqchip=kernel: it expects an 8259 and an 8254")
    }
    console = BootConsole(descriptor: STDOUT_FILENO, marker: guest.marker, clock: HostClock.sinceBoot)
    do {
      workerFailure = try WorkerFailure()
      power = try MachineSwitch(clock: HostClock.sinceBoot)
    } catch { throw .wiring("no eventfd, errno \(error.errno)") }
    do {
      let memory = try GuestMemory(of: specification)
      let (kernel, entry, end) = try Self.loadKernel(guest, into: memory)
      let system = try KVMSystem(path: specification.kvmPath)
      if kernel.isLinux, !guest.isForced, RingProbe.isRing0Interpreted(system) {
        throw MachineError.unavailable(
          "ring 0 is interpreted on this host, instruction by instruction, and its interpreter does not know all that Linux uses "
            + "(boot it on a host with VMX or SVM; --force tries all the same)")
      }
      let supported = try system.supportedCPUID()
      let table = specification.choices["cpuid"] == "kvm" ? supported : supported.hidingHypervisor()
      var wiring = try Wiring(specification)
      wiring.systemControl = power
      wiring.console.onward = console
      let machine = try system.createVM()
      try machine.setMemory(slot: 0, at: GuestAddress(0), memory.slot)
      try machine.setTSSAddress()
      try machine.setIdentityMapAddress()
      try machine.createIRQChip()
      try wiring.attach(to: machine, memory: memory)
      if guest.hasACPI {
        try ACPITables(vcpus: specification.vcpus, mmioSlots: wiring.mmioSlots).write(into: memory)
      }
      let devices = (guest.hasACPI ? "" : " " + wiring.commandLine) + (isProgrammedIO ? " libata.dma=0" : "")
      try Self.handOver(guest, kernel, above: end, specification, devices: devices, into: memory)
      let dispatcher = wiring.takeDispatcher()
      var vcpus: [ForeignVCPU] = []
      for index in 0..<specification.vcpus {
        let vcpu = try machine.createVCPU(index: index)
        try vcpu.setCPUID(table.forVCPU(index))
        // All others wait for INIT and SIPI, as KVM makes them.
        if index == 0 { try Self.enter(entry, vcpu, memory) }
        vcpus.append(ForeignVCPU(vcpu: vcpu, dispatcher: dispatcher, power: power))
      }
      kernelName = kernel.name
      self.memory = memory
      self.wiring = wiring
      self.vcpus = vcpus
      virtualMachine = machine
    } catch { throw MachineError(making: error) }
  }

  private static func loadKernel(
    _ guest: ForeignGuest, into memory: GuestMemory
  ) throws(MachineError) -> (kernel: ForeignKernel, entry: ForeignKernel.Entry, end: UInt64) {
    do throws(ForeignImageError) {
      let image = try ImageFile(path: guest.kernel)
      let kernel = try ForeignKernel(image, guest.bootProtocol)
      let (entry, end) = try kernel.load(image, into: memory)
      return (kernel, entry, end)
    } catch { throw .foreignImage(error, path: guest.kernel) }
  }

  private static func handOver(
    _ guest: ForeignGuest, _ kernel: ForeignKernel, above end: UInt64, _ specification: MachineSpecification,
    devices: String, into memory: GuestMemory
  ) throws(MachineError) {
    var line = "console=ttyS0 panic=-1"
    var ramdisk: Range<UInt64>?
    do throws(ForeignImageError) {
      if let path = guest.initrd {
        ramdisk = try loadRamdisk(path, kernel, above: end, into: memory)
      } else if case .multiboot = kernel {
        ramdisk = try loadModule(environment(specification), kernel, above: end, into: memory)
      }
    } catch { throw .foreignImage(error, path: guest.initrd ?? guest.kernel) }
    if case .multiboot = kernel { line = guest.kernel } else { line += devices }
    if !guest.append.isEmpty { line += " " + guest.append }
    let handover = Handover(
      commandLine: Array(line.utf8), ramdisk: ramdisk, acpiRoot: guest.hasACPI ? ACPITables.root : nil)
    do throws(ForeignImageError) { try kernel.write(handover, into: memory) } catch {
      throw .foreignImage(error, path: guest.kernel)
    }
  }

  private static func loadRamdisk(
    _ path: String, _ kernel: ForeignKernel, above end: UInt64, into memory: GuestMemory
  ) throws(ForeignImageError) -> Range<UInt64> {
    let image = try ImageFile(path: path)
    let start = try kernel.placeRamdisk(byteCount: image.byteCount, above: end, in: memory)
    try image.load(at: 0, count: image.byteCount, to: start, of: memory, "content")
    return start.value..<(start.value + image.byteCount)
  }

  /// What kvm-unit-tests read in place of a firmware's configuration (lib/x86/fwcfg.c): how many processors there are, RAM in MiB,
  /// and that QEMU's test device is not there.
  private static func environment(_ specification: MachineSpecification) -> [UInt8] {
    Array("NR_CPUS=\(specification.vcpus)\nMEMSIZE=\(specification.memory >> 20)\nTEST_DEVICE=0\n".utf8)
  }

  private static func loadModule(
    _ bytes: [UInt8], _ kernel: ForeignKernel, above end: UInt64, into memory: GuestMemory
  ) throws(ForeignImageError) -> Range<UInt64> {
    let count = UInt64(bytes.count)
    let start = try kernel.placeRamdisk(byteCount: count, above: end, in: memory)
    do { try memory.write(bytes, at: start) } catch { throw .initrdDoesNotFit(byteCount: count, room: 0) }
    return start.value..<(start.value + count)
  }

  private static func enter(
    _ entry: ForeignKernel.Entry, _ vcpu: borrowing VCPU, _ memory: GuestMemory
  ) throws {
    let descriptors = FlatDescriptors(base: ForeignLayout.descriptors)
    switch entry {
    case .protected(let start):
      try write(FlatDescriptors.entries(is64Bit: false), memory)
      try vcpu.setProtectedMode(start, descriptors: descriptors)
    case .long(let address):
      try write(FlatDescriptors.entries(is64Bit: true), memory)
      try ForeignLayout.writePageTables(into: memory)
      var start = LongModeEntry(
        entry: address, stack: GuestAddress(0), pageTableRoot: ForeignLayout.pageTables)
      start.rsi = ForeignLayout.information.value
      try vcpu.setLongMode(start)
      try vcpu.setDescriptors(descriptors)
    }
  }

  private static func write(_ entries: [UInt64], _ memory: GuestMemory) throws(GuestMemoryError) {
    for (index, entry) in entries.enumerated() {
      try memory.write(entry, at: ForeignLayout.descriptors + UInt64(8 * index))
    }
  }

  /// Runs the guest until it ends, is out of time, or has given up.
  func run() throws(MachineError) -> RunnerReport {
    PosixThread.installInterruptHandler()
    var outcome = ForeignOutcome()
    var standstill = StandstillWatch()
    outcome.started = started
    outcome.ready = HostClock.sinceBoot()
    do {
      let threads = try MachineThreads(
        specification, devices: wiring.workers, failure: workerFailure,
        vcpus: vcpus.map { vcpu in { vcpu.run() } })
      if !waitForEnd(&standstill), workerFailure.text == nil {
        outcome.timedOutAfterSeconds = Double(specification.timeoutNanoseconds) / 1e9
      }
      outcome.ended = HostClock.sinceBoot()
      outcome.standstillSeconds = standstill.seconds
      stop(threads.vcpus)
      threads.join()
    } catch { throw MachineError(making: error) }
    console.flush()
    outcome.end = power.reason
    outcome.hostError = workerFailure.text
    if power.reason == nil || power.reason?.isEmulationFailure == true,
      let system = try? KVMSystem(path: specification.kvmPath)
    {
      outcome.isRing0Interpreted = RingProbe.isRing0Interpreted(system)
    }
    outcome.firstRun = power.firstRunTime
    outcome.marker = power.markerTime
    outcome.seen = console.sightings
    outcome.lastLines = console.lastLines
    outcome.notes = ["kernel: \(kernelName)"]
    return ForeignReport.report(outcome)
  }

  /// True once the guest has ended or an I/O thread has failed, and a while after its kernel gave up; false where its time is
  /// over. A runner whose parent died ends at once.
  private func waitForEnd(_ standstill: inout StandstillWatch) -> Bool {
    let deadline = HostClock.sinceBoot() &+ specification.timeoutNanoseconds
    var events = [power.event, workerFailure.event].map {
      pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0)
    }
    while true {
      let isOver = standstill.during(Self.flushNanoseconds) { poll(&events, 2, Int32($0 / 1_000_000)) > 0 }
      if isOver { return true }
      console.flush()
      guard getppid() == parent else { _exit(1) }
      let now = HostClock.sinceBoot()
      let seen = console.sightings
      if seen.panic != nil, now &- (seen.lastByte ?? now) > Self.patienceAfterPanic { return true }
      guard now < deadline else { return false }
    }
  }

  /// Makes every vCPU leave the guest.
  private func stop(_ threads: [PosixThread]) {
    power.switchOff()
    for vcpu in vcpus { vcpu.stopper.requestImmediateExit() }
    for (vcpu, thread) in zip(vcpus, threads) {
      while !vcpu.hasEnded.load(ordering: .acquiring) {
        thread.interrupt()
        sleepMillisecond()
      }
    }
  }
}
