import GuestMemory
import KVM
import MachineLauncher
import PVWire
import Testing

@testable import Machine

/// A VM with the devices of a specification, and no vCPU.
private struct WiredMachine: ~Copyable {
  let memory: GuestMemory
  let virtualMachine: VirtualMachine
  let wiring: Wiring
  let dispatcher: ExitDispatcher

  init(
    disk: String, transport: String = "mmio", backing: DiskBacking, network: NetworkBacking = .none,
    card: String = "virtio-net", entropy: String = "none", console: String = "uart", ram: String = "plain",
    vcpus: Int = 1, clock: String = "tsc", irqchip: String = "kernel"
  ) throws {
    var specification = MachineSpecification()
    specification.choices["disk"] = disk
    specification.choices["transport"] = transport
    specification.disk = backing
    specification.network = network
    specification.choices["net"] = card
    specification.choices["clock"] = clock
    specification.choices["entropy"] = entropy
    specification.choices["console"] = console
    specification.choices["memory"] = ram
    specification.choices["irqchip"] = irqchip
    specification.vcpus = vcpus
    let memory = try GuestMemory(byteCount: 1 << 20)
    let machine = try KVMSystem().createVM()
    if irqchip == "split" { try machine.createLocalAPICs() } else { try machine.createIRQChip() }
    var wiring = try Wiring(specification)
    try wiring.attach(to: machine, memory: memory)
    dispatcher = wiring.takeDispatcher()
    self.memory = memory
    self.virtualMachine = machine
    self.wiring = wiring
  }

  /// Status register of the primary ATA channel; 0xFF where there is none.
  var ideStatus: UInt8 {
    let page = FabricatedRun.input(0x1F7, width: 1)
    _ = dispatcher.dispatch(page.exit)
    return page.portData(1)[0]
  }

  /// What a port reads as.
  func port(_ port: UInt16, width: Int) -> [UInt8] {
    let page = FabricatedRun.input(port, width: width)
    _ = dispatcher.dispatch(page.exit)
    return Array(page.portData(width))
  }

  /// A 32-bit register of a function on PCI bus 0; all ones where there is none.
  func pci(slot: UInt32, function: UInt32 = 0, _ register: UInt32) -> UInt32 {
    let address = 1 << 31 | slot << 11 | function << 8 | register
    let select = FabricatedRun.output(0xCF8, width: 4, (0..<4).map { UInt8(truncatingIfNeeded: address >> (8 * $0)) })
    _ = dispatcher.dispatch(select.exit)
    let page = FabricatedRun.input(0xCFC, width: 4)
    _ = dispatcher.dispatch(page.exit)
    return page.portData(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// A 32-bit word of MMIO.
  func word(_ address: UInt64) -> [UInt8] {
    let page = FabricatedRun.load(address, width: 4)
    _ = dispatcher.dispatch(page.exit)
    return Array(page.mmioData[..<4])
  }

  /// A 32-bit register of a virtio-mmio slot; all ones where there is none.
  func virtioRegister(_ offset: UInt64, slot: UInt64 = 0) -> [UInt8] {
    let page = FabricatedRun.load(MemoryMap.virtioMMIO + slot * MemoryMap.virtioMMIOStride + offset, width: 4)
    _ = dispatcher.dispatch(page.exit)
    return Array(page.mmioData[..<4])
  }
}

private let hasKVM: Bool = {
  do { _ = try KVMSystem() } catch { return false }
  return true
}()

@Suite("wiring", .enabled(if: hasKVM, "KVM cannot be used here"))
struct WiringTests {
  private static let disk = DiskBacking.memory(byteCount: 1 << 20)
  private static let nothing: [UInt8] = [255, 255, 255, 255]

  @Test func withoutADiskThereIsNoController() throws {
    let machine = try WiredMachine(disk: "virtio-blk", backing: .none)
    #expect(machine.ideStatus == 0xFF)
    #expect(machine.virtioRegister(0) == Self.nothing)
    #expect(machine.wiring.workers.isEmpty)
    #expect(machine.wiring.commandLine == "")
  }

  @Test func ideIsAtThePrimaryChannel() throws {
    let machine = try WiredMachine(disk: "ide-pio", backing: Self.disk)
    #expect(machine.ideStatus & 0xC0 == 0x40)  // ready, not busy
    #expect(machine.virtioRegister(0) == Self.nothing)
    #expect(machine.wiring.workers.isEmpty)
  }

  @Test func virtioBlockIsInTheFirstSlot() throws {
    let machine = try WiredMachine(disk: "virtio-blk", backing: Self.disk)
    #expect(machine.virtioRegister(0) == Array("virt".utf8))
    #expect(machine.virtioRegister(8) == [2, 0, 0, 0])
    #expect(machine.virtioRegister(0x100) == [0, 8, 0, 0])  // 2,048 sectors
    #expect(machine.ideStatus == 0xFF)
    #expect(machine.wiring.workers.count == 1)
    #expect(machine.wiring.commandLine == "virtio_mmio.device=512@0xfeb00000:16")
  }

  @Test func bridgesAreOnTheBus() throws {
    let machine = try WiredMachine(disk: "ide-pio", backing: .none)
    #expect(machine.pci(slot: 0, 0) == 0x1237_8086)
    #expect(machine.pci(slot: 1, 0) == 0x7000_8086)
    #expect(machine.pci(slot: 2, 0) == .max)
  }

  @Test func virtioBlockIsInThePCISlotOfTheDisk() throws {
    let machine = try WiredMachine(disk: "virtio-blk", transport: "pci", backing: Self.disk, vcpus: 2)
    #expect(machine.pci(slot: 2, 0) == 0x1042_1AF4)
    #expect(machine.pci(slot: 2, 0x10) == 0xE000_0000)
    #expect(machine.pci(slot: 2, 0x14) == 0xE000_4000)
    #expect(machine.word(0xE000_2000) == [0, 8, 0, 0])  // 2,048 sectors
    #expect(machine.word(0xE000_400C) == [1, 0, 0, 0])  // the first vector is masked
    #expect(machine.virtioRegister(0) == Self.nothing)
    #expect(machine.wiring.workers.count == 2)
    #expect(machine.wiring.commandLine == "")
  }

  @Test func virtioNetIsInThePCISlotOfTheNetwork() throws {
    let machine = try WiredMachine(disk: "virtio-blk", transport: "pci", backing: Self.disk, network: .echo)
    #expect(machine.pci(slot: 3, 0) == 0x1041_1AF4)
    #expect(machine.pci(slot: 3, 0x10) == 0xE010_0000)
    #expect(machine.word(0xE010_2000) == [0x52, 0x54, 0, 0x70])
    #expect(machine.virtioRegister(0, slot: 1) == Self.nothing)
    #expect(machine.wiring.workers.count == 2)
  }

  @Test func e1000IsInThePCISlotOfTheNetwork() throws {
    let machine = try WiredMachine(disk: "ide-pio", backing: Self.disk, network: .echo, card: "e1000")
    #expect(machine.pci(slot: 3, 0) == 0x100E_8086)
    #expect(machine.pci(slot: 3, 0x10) == 0xE010_0000)
    #expect(machine.pci(slot: 3, 0x18) == 0xC081)
    #expect(machine.pci(slot: 3, 0x3C) & 0xFFFF == 0x010B)  // INTA on line 11
    #expect(machine.word(0xE010_5400) == [0x52, 0x54, 0, 0x70])  // RAL0
    #expect(machine.virtioRegister(0, slot: 1) == Self.nothing)
    #expect(machine.wiring.workers.count == 1)
  }

  @Test func networkCardIsInTheSecondSlot() throws {
    let machine = try WiredMachine(disk: "virtio-blk", backing: Self.disk, network: .echo)
    #expect(machine.virtioRegister(8, slot: 1) == [1, 0, 0, 0])
    #expect(machine.virtioRegister(0x100, slot: 1) == [0x52, 0x54, 0, 0x70])
    #expect(machine.wiring.workers.count == 2)
    #expect(
      machine.wiring.commandLine == "virtio_mmio.device=512@0xfeb00000:16 virtio_mmio.device=512@0xfeb00200:17")
  }

  @Test func entropySourceIsInTheThirdSlotOfEither() throws {
    let onMMIO = try WiredMachine(disk: "ide-pio", backing: .none, entropy: "virtio-rng")
    #expect(onMMIO.virtioRegister(8, slot: 2) == [4, 0, 0, 0])
    #expect(onMMIO.wiring.workers.count == 1)
    #expect(onMMIO.wiring.commandLine == "virtio_mmio.device=512@0xfeb00400:18")
    let onPCI = try WiredMachine(disk: "ide-pio", transport: "pci", backing: .none, entropy: "virtio-rng")
    #expect(onPCI.pci(slot: 4, 0) == 0x1044_1AF4)
    #expect(onPCI.pci(slot: 4, 0x10) == 0xE020_0000)
    #expect(onPCI.pci(slot: 4, 0x3C) & 0xFFFF == 0x0105)  // INTA on line 5
    #expect(onPCI.virtioRegister(0, slot: 2) == Self.nothing)
  }

  @Test func virtioConsoleIsThereBesideTheUART() throws {
    let machine = try WiredMachine(disk: "ide-pio", backing: .none, console: "virtio-console")
    #expect(machine.virtioRegister(8, slot: 3) == [3, 0, 0, 0])
    let onPCI = try WiredMachine(disk: "ide-pio", transport: "pci", backing: .none, console: "virtio-console")
    #expect(onPCI.pci(slot: 5, 0) == 0x1043_1AF4)
    #expect(onPCI.wiring.workers.count == 1)
    // The emergency register, and the UART.
    _ = onPCI.dispatcher.dispatch(FabricatedRun.store(65, at: 0xE030_2008, width: 4).exit)
    _ = onPCI.dispatcher.dispatch(FabricatedRun.output(0x3F8, width: 1, [66]).exit)
    #expect(onPCI.wiring.console.lines == ["AB"])
  }

  @Test func balloonIsInTheFifthSlotOfEither() throws {
    let onMMIO = try WiredMachine(disk: "ide-pio", backing: .none, ram: "balloon")
    #expect(onMMIO.virtioRegister(8, slot: 4) == [5, 0, 0, 0])
    let onPCI = try WiredMachine(disk: "ide-pio", transport: "pci", backing: .none, ram: "balloon")
    #expect(onPCI.pci(slot: 6, 0) == 0x1045_1AF4)
    #expect(onPCI.wiring.workers.count == 1)
    #expect(onPCI.wiring.memoryCounts == ["memory.reclaimed": 0])
    #expect(try WiredMachine(disk: "ide-pio", backing: .none).wiring.memoryCounts == [:])
  }

  @Test(arguments: [(1, 1), (4, 4), (64, 16)]) func everyVCPUGetsAPairOfQueues(vcpus: Int, pairs: UInt8) throws {
    let machine = try WiredMachine(
      disk: "virtio-blk", transport: "pci", backing: .none, network: .echo, vcpus: vcpus)
    // The most pairs in the configuration space (virtio 1.2, 5.1.4).
    #expect(machine.word(0xE010_2008)[0] == pairs)
  }

  @Test func everyVCPUGetsAQueue() throws {
    #expect(try WiredMachine(disk: "virtio-blk", backing: Self.disk, vcpus: 4).wiring.workers.count == 4)
  }

  @Test func onlyTheClockThatWasChosenIsThere() throws {
    func answers(_ clock: String) throws -> [Bool] {
      let machine = try WiredMachine(disk: "ide-pio", backing: .none, clock: clock)
      let timer = machine.port(0x608, width: 4)
      _ = machine.dispatcher.dispatch(FabricatedRun.output(0x70, width: 1, [0x0D]).exit)
      return [timer != Self.nothing, machine.port(0x71, width: 1) == [0x80]]
    }
    #expect(try answers("pmtimer") == [true, false])
    #expect(try answers("rtc") == [false, true])
    #expect(try answers("tsc") == [false, false])
  }

  @Test func onlyASplitIRQChipHasAnIOAPICOfItsOwn() throws {
    let split = try WiredMachine(
      disk: "virtio-blk", transport: "pci", backing: Self.disk, network: .echo, card: "e1000", irqchip: "split")
    #expect(split.word(0xFEC0_0000) == [0, 0, 0, 0])
    #expect(split.word(0xFEC0_0010) == [0, 0, 0, 0])
    #expect(split.wiring.ioapic != nil)
    let kernel = try WiredMachine(disk: "virtio-blk", backing: Self.disk)
    #expect(kernel.word(0xFEC0_0000) == Self.nothing)
  }

  @Test func theRealTimeClockShowsThisCentury() throws {
    let machine = try WiredMachine(disk: "ide-pio", backing: .none, clock: "rtc")
    _ = machine.dispatcher.dispatch(FabricatedRun.output(0x70, width: 1, [0x32]).exit)
    #expect(machine.port(0x71, width: 1) == [0x20])
  }

  @Test func theConsoleTakesLines() throws {
    let machine = try WiredMachine(disk: "ide-pio", backing: .none)
    for byte in Array("hello\n\nworld".utf8) {
      #expect(machine.dispatcher.dispatch(FabricatedRun.output(0x3F8, width: 1, [byte]).exit) == .resume)
    }
    #expect(machine.wiring.console.lines == ["hello", "world"])
  }

  @Test func aDiskThatCannotBeOpenedIsNamed() {
    let missing = DiskBacking.file(path: "/nonexistent/disk.img", isBuffered: false)
    #expect { _ = try WiredMachine(disk: "ide-pio", backing: missing) } throws: { error in
      "\(error)".contains("'/nonexistent/disk.img' does not exist")
    }
  }
}

@Suite("console log")
struct ConsoleLogTests {
  @Test func whatDoesNotFitIsDropped() {
    let log = ConsoleLog()
    for _ in 0..<(100 << 10) { log.byte(65) }
    #expect(log.lines.map(\.utf8.count) == [64 << 10])
  }

  @Test func bytesThatAreNoTextAreReplaced() {
    let log = ConsoleLog()
    log.byte(0xFF)
    #expect(log.lines == ["\u{FFFD}"])
  }

  @Test func nulIsIgnoredAndTakesNoRoom() {
    let log = ConsoleLog()
    for _ in 0..<(100 << 10) { log.byte(0) }
    log.byte(65)
    #expect(log.lines == ["A"])
  }
}

@Suite("disk medium")
struct DiskMediumTests {
  private func sectors(_ backing: DiskBacking, count: Int) throws -> [UInt64] {
    let storage = try #require(try DiskMedium.open(backing))
    var words = [UInt64](repeating: 7, count: 64 * count)
    try words.withUnsafeMutableBytes { try storage.read(at: 0, into: $0) }
    return words
  }

  private func generation(of sector: Int, in words: [UInt64], seed: UInt64) -> UInt64? {
    Array(words[(64 * sector)..<(64 * sector + 64)]).withUnsafeBufferPointer { buffer in
      buffer.baseAddress.flatMap { SectorPattern.generation(of: $0, seed: seed, sector: UInt64(sector)) }
    }
  }

  @Test func memoryHoldsTheImageOfItsSeedToTheLastSector() throws {
    // More than one piece is filled at once, and not a whole number of them.
    let words = try sectors(.memory(byteCount: 301 * 512, imageSeed: 9), count: 301)
    #expect((0..<301).allSatisfy { generation(of: $0, in: words, seed: 9) == 0 })
    #expect(generation(of: 0, in: words, seed: 8) == nil)
  }

  /// The buffer held sevens: the null back end brings nothing.
  @Test(arguments: [(DiskBacking.memory(byteCount: 4096), UInt64(0)), (.null(byteCount: 4096), 7)])
  func withoutASeedThereIsNoContent(_ backing: DiskBacking, word: UInt64) throws {
    #expect(try sectors(backing, count: 8).allSatisfy { $0 == word })
  }

  @Test func whatCannotBeCheckedLikeAFileSaysSo() {
    #expect(DiskMedium.note(on: .file(path: "x", isBuffered: false)) == nil)
    #expect(DiskMedium.note(on: .polledFile(path: "x")) == nil)
    #expect(DiskMedium.note(on: .file(path: "x", isBuffered: true))?.contains("page cache") == true)
    #expect(DiskMedium.note(on: .none) == nil)
    #expect(DiskMedium.note(on: .null(byteCount: 512))?.contains("neither reads nor writes were verified") == true)
    #expect(DiskMedium.note(on: .memory(byteCount: 512))?.contains("ends with its runner") == true)
  }
}
