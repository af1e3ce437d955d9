import CLinuxKVM
import DeviceModel
import KVM
import Measurement
import PVWire
import Synchronization
import Testing

@testable import Machine

/// Ports 0x100–0x107 and eight quads of MMIO at 0xFEB00000, each a probe; everything else is empty.
private struct Rig: ~Copyable {
  let portDevice = Probe()
  let mmioDevice = Probe()
  let dispatcher: ExitDispatcher

  init() throws {
    var ports = Bus()
    var mmio = Bus()
    try ports.map(portDevice, at: 0x100, count: 8)
    try mmio.map(mmioDevice, at: 0xFEB0_0000, count: 64)
    dispatcher = ExitDispatcher(ports: ports, mmio: mmio)
  }
}

/// Adds up the vectors whose ends it is told of.
private final class EndCounter: EndOfInterruptObserver {
  let ends = Atomic<Int>(0)
  func endOfInterrupt(vector: UInt8) { ends.add(Int(vector), ordering: .relaxed) }
}

@Suite("port exits")
struct PortExitTests {
  /// Widths with the answer's bytes and the name that the device hears.
  static let widths: [(width: Int, bytes: [UInt8], name: String)] = [
    (1, [0x88], "byte"), (2, [0x88, 0x77], "word"), (4, [0x88, 0x77, 0x66, 0x55], "long"),
  ]

  @Test(arguments: widths)
  func aDeviceAnswersAnInputOfEveryWidth(width: Int, bytes: [UInt8], name: String) throws {
    let rig = try Rig()
    let page = FabricatedRun.input(0x103, width: width)
    #expect(rig.dispatcher.dispatch(page.exit) == .resume)
    #expect(page.portData(8) == bytes + [UInt8](repeating: 0, count: 8 - width))
    #expect(rig.portDevice.calls == ["read \(name) at 3"])
  }

  @Test(arguments: widths)
  func aDeviceIsGivenAnOutputOfEveryWidth(width: Int, bytes: [UInt8], name: String) throws {
    let rig = try Rig()
    let page = FabricatedRun.output(0x100, width: width, bytes)
    #expect(rig.dispatcher.dispatch(page.exit) == .resume)
    let value = bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    #expect(rig.portDevice.calls == ["write \(name) at 0: 0x\(String(value, radix: 16))"])
  }

  @Test func aStringInputIsOneCall() throws {
    let rig = try Rig()
    let page = FabricatedRun.input(0x100, width: 2, count: 128)
    #expect(rig.dispatcher.dispatch(page.exit) == .resume)
    #expect(rig.portDevice.calls == ["read 256 bytes by word at 0"])
    #expect(page.portData(257) == (0...255).map { UInt8($0) } + [0])
  }

  @Test func aStringOutputIsOneCall() throws {
    let rig = try Rig()
    let page = FabricatedRun.output(0x107, width: 4, [1, 2, 3, 4, 5, 6, 7, 8])
    #expect(rig.dispatcher.dispatch(page.exit) == .resume)
    #expect(rig.portDevice.calls == ["write [1, 2, 3, 4, 5, 6, 7, 8] by long at 7"])
  }

  @Test(arguments: [UInt16(0xFF), 0x108, 0xFFFF])
  func whatNothingDecodesReadsAsOnes(port: UInt16) throws {
    let rig = try Rig()
    let page = FabricatedRun.input(port, width: 2, count: 3)
    #expect(rig.dispatcher.dispatch(page.exit) == .resume)
    #expect(page.portData(7) == [255, 255, 255, 255, 255, 255, 0])
    #expect(rig.portDevice.calls.isEmpty)
  }

  @Test func writesThatNothingDecodesGoNowhere() throws {
    let rig = try Rig()
    #expect(rig.dispatcher.dispatch(FabricatedRun.output(0x80, width: 1, [7]).exit) == .resume)
    #expect(rig.portDevice.calls.isEmpty)
  }
}

@Suite("doorbells")
struct DoorbellTests {
  static let bells: [Doorbell] = [.firstInstruction, .ready, .windowOpen, .windowClose, .drain, .done, .panic]

  @Test(arguments: bells)
  func knownBellsAreHeard(_ bell: Doorbell) throws {
    let page = FabricatedRun.output(Doorbell.port, width: 1, [bell.rawValue])
    #expect(try Rig().dispatcher.dispatch(page.exit) == .doorbell(bell))
  }

  @Test(arguments: [0, 8, 0x81, 255] as [UInt8])
  func unknownBellsAreIgnored(byte: UInt8) throws {
    #expect(try Rig().dispatcher.dispatch(FabricatedRun.output(Doorbell.port, width: 1, [byte]).exit) == .resume)
  }

  @Test(arguments: [2, 4])
  func otherWidthsAreNotBells(width: Int) throws {
    let page = FabricatedRun.output(Doorbell.port, width: width, Array([6, 0, 0, 0].prefix(width)))
    #expect(try Rig().dispatcher.dispatch(page.exit) == .resume)
  }

  @Test func thePortReadsAsOnes() throws {
    let page = FabricatedRun.input(Doorbell.port, width: 4)
    #expect(try Rig().dispatcher.dispatch(page.exit) == .resume)
    #expect(page.portData(4) == [255, 255, 255, 255])
  }
}

@Suite("MMIO exits")
struct MMIOExitTests {
  static let widths: [(width: Int, name: String)] = [(1, "byte"), (2, "word"), (4, "long"), (8, "quad")]

  @Test(arguments: widths)
  func aDeviceAnswersALoadOfEveryWidth(width: Int, name: String) throws {
    let rig = try Rig()
    let page = FabricatedRun.load(0xFEB0_0008, width: width)
    #expect(rig.dispatcher.dispatch(page.exit) == .resume)
    let answer: [UInt8] = [0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11]
    #expect(page.mmioData == answer.prefix(width) + [UInt8](repeating: 0, count: 8 - width))
    #expect(rig.mmioDevice.calls == ["read \(name) at 8"])
  }

  @Test(arguments: widths)
  func aDeviceIsGivenAStoreOfEveryWidth(width: Int, name: String) throws {
    let rig = try Rig()
    #expect(rig.dispatcher.dispatch(FabricatedRun.store(0x5A, at: 0xFEB0_0000, width: width).exit) == .resume)
    #expect(rig.mmioDevice.calls == ["write \(name) at 0: 0x5a"])
  }

  @Test(arguments: [3, 5, 6, 7])
  func oddWidthsReachNoDevice(width: Int) throws {
    let rig = try Rig()
    let page = FabricatedRun.load(0xFEB0_0000, width: width)
    #expect(rig.dispatcher.dispatch(page.exit) == .resume)
    #expect(page.mmioData == [UInt8](repeating: 255, count: width) + [UInt8](repeating: 0, count: 8 - width))
    #expect(rig.dispatcher.dispatch(FabricatedRun.store(1, at: 0xFEB0_0000, width: width).exit) == .resume)
    #expect(rig.mmioDevice.calls.isEmpty)
  }

  @Test(arguments: [UInt64(0xFEAF_FFFF), 0xFEB0_0040, 0x4000_0000, UInt64.max])
  func whatNothingDecodesReadsAsOnes(address: UInt64) throws {
    let rig = try Rig()
    let page = FabricatedRun.load(address, width: 4)
    #expect(rig.dispatcher.dispatch(page.exit) == .resume)
    #expect(page.mmioData == [255, 255, 255, 255, 0, 0, 0, 0])
    #expect(rig.dispatcher.dispatch(FabricatedRun.store(1, at: address, width: 4).exit) == .resume)
    #expect(rig.mmioDevice.calls.isEmpty)
  }
}

@Suite("other exits")
struct OtherExitTests {
  @Test func haltsAndSystemEventsArePowerOff() throws {
    #expect(try Rig().dispatcher.dispatch(.hlt) == .stop(.powerOff))
    #expect(try Rig().dispatcher.dispatch(.systemEvent(type: 2)) == .stop(.powerOff))
  }

  @Test func aShutdownIsATripleFault() throws {
    #expect(try Rig().dispatcher.dispatch(.shutdown) == .stop(.tripleFault))
  }

  @Test func anInterruptionStops() throws {
    #expect(try Rig().dispatcher.dispatch(.interrupted) == .stop(.interrupted))
  }

  @Test func noticesAreTakenNoteOf() throws {
    #expect(try Rig().dispatcher.dispatch(.irqWindowOpen) == .resume)
    #expect(try Rig().dispatcher.dispatch(.ioapicEOI(vector: 5)) == .resume)
    let observer = EndCounter()
    let dispatcher = ExitDispatcher(ports: Bus(), mmio: Bus(), endObserver: observer)
    #expect(dispatcher.dispatch(.ioapicEOI(vector: 5)) == .resume)
    #expect(observer.ends.load(ordering: .relaxed) == 5)
  }

  @Test(arguments: [KVM_EXIT_X86_RDMSR, KVM_EXIT_X86_WRMSR])
  func unknownModelSpecificRegistersAreRefused(reason: Int32) throws {
    let page = FabricatedRun.msr(0xC000_0080, reason: reason)
    #expect(try Rig().dispatcher.dispatch(page.exit) == .resume)
    #expect(page.isRefused)
  }

  @Test(arguments: [KVM_EXIT_X86_RDMSR, KVM_EXIT_X86_WRMSR])
  func aFilteredRegisterReadsAsOnes(reason: Int32) throws {
    let page = FabricatedRun.msr(0x1A0, reason: reason, cause: UInt32(KVM_MSR_EXIT_REASON_FILTER))
    #expect(try Rig().dispatcher.dispatch(page.exit) == .resume)
    #expect(page.msrValue == .max)
    #expect(!page.isRefused)
  }

  @Test func anInternalErrorSaysWhatKVMSaid() throws {
    let page = FabricatedRun.internalError(suberror: 1)
    let text = "KVM internal error: emulation failure, data"
    #expect(try Rig().dispatcher.dispatch(page.exit) == .stop(.machineCheck(text)))
  }

  /// Exits that end the guest, with what the report will say.
  static var fatal: [(exit: VCPUExit, text: String)] {
    [
      (.failEntry(reason: 0x8000_0021), "VM entry failed, reason 0x80000021"),
      (.hypercall(number: 9), "unexpected hypercall 9"),
      (.debug, "unexpected debug exit"),
      (.exception(vector: 13), "KVM passed on exception 13"),
      (.unknown(99), "unknown KVM exit reason 99"),
      (.runFailed(errno: 14), "KVM_RUN failed, errno 14"),
    ]
  }

  @Test(arguments: fatal.indices)
  func fatalExitsStopWithTheirReason(index: Int) throws {
    let (exit, text) = Self.fatal[index]
    #expect(try Rig().dispatcher.dispatch(exit) == .stop(.machineCheck(text)))
  }
}

@Suite("what exits are counted by")
struct TallyTests {
  @Test func aStringInputCountsItsElementsAndBytes() {
    let page = FabricatedRun.input(0x1F0, width: 2, count: 256)
    let tally = page.exit.tally
    #expect(tally.key == ExitKey(reason: .io, isInput: true, address: 0x1F0))
    #expect(tally.elements == 256)
    #expect(tally.bytes == 512)
  }

  @Test func anMMIOWriteCountsItsWidth() {
    let page = FabricatedRun.store(1, at: 0xFEB0_0050, width: 4)
    let tally = page.exit.tally
    #expect(tally.key.detail == "mmio:0xfeb00050:out")
    #expect(tally.elements == 1)
    #expect(tally.bytes == 4)
  }

  @Test func interruptionsAreNotUserspaceExits() {
    #expect(!VCPUExit.interrupted.tally.key.reason.isUserspace)
    #expect(VCPUExit.hlt.tally.key.reason.isUserspace)
  }

  @Test func msrAccessesCountByRegister() {
    let page = FabricatedRun.msr(0x10, reason: KVM_EXIT_X86_RDMSR)
    #expect(page.exit.tally.key.detail == "rdmsr:0x10")
    #expect(page.exit.tally.bytes == 8)
  }

  /// Exits without data, with the detail that results show.
  static var plain: [(exit: VCPUExit, detail: String)] {
    [
      (.hlt, "hlt"), (.shutdown, "shutdown"), (.interrupted, "intr"), (.failEntry(reason: 1), "fail_entry"),
      (.systemEvent(type: 1), "system_event:0x1"), (.hypercall(number: 9), "hypercall:0x9"), (.debug, "debug"),
      (.exception(vector: 13), "exception:0xd"), (.ioapicEOI(vector: 3), "ioapic_eoi:0x3"),
      (.irqWindowOpen, "irq_window_open"), (.unknown(99), "unknown:0x63"),
      (.runFailed(errno: -1), "unknown:0xffffffff"),
    ]
  }

  @Test(arguments: plain.indices)
  func plainExitsHaveNoBytes(index: Int) {
    let (exit, detail) = Self.plain[index]
    #expect(exit.tally.key.detail == detail)
    #expect(exit.tally.elements == 1)
    #expect(exit.tally.bytes == 0)
  }
}

/// Notices a call that begins before the one before has ended.
private final class Hermit: Device, @unchecked Sendable {
  // SAFETY of Sendable: what is counted here is only right where calls are serialised, which is what is tested.
  private var isBusy = false
  private(set) var calls = 0
  private(set) var meetings = 0

  func read(at offset: Int, width: AccessWidth) -> UInt64 {
    enter()
    return 0
  }

  func write(_ value: UInt64, at offset: Int, width: AccessWidth) { enter() }

  private func enter() {
    if isBusy { meetings += 1 }
    isBusy = true
    for _ in 0..<100 { calls = calls &+ 1 &- 0 }
    calls -= 99
    isBusy = false
  }
}

@Suite("several vCPUs")
struct SharedDispatcherTests {
  @Test func callsToDevicesNeverMeet() throws {
    let hermit = Hermit()
    var ports = Bus()
    var mmio = Bus()
    try ports.map(hermit, at: 0x100, count: 8)
    try mmio.map(hermit, at: 0xFEB0_0000, count: 8)
    let dispatcher = ExitDispatcher(ports: ports, mmio: mmio, isShared: true)
    let threads = try (0..<4).map { index in
      try PosixThread(name: "vcpu\(index)", cpu: nil) {
        let input = FabricatedRun.input(0x100, width: 1)
        let store = FabricatedRun.store(1, at: 0xFEB0_0000, width: 4)
        for _ in 0..<5000 {
          _ = dispatcher.dispatch(input.exit)
          _ = dispatcher.dispatch(store.exit)
        }
      }
    }
    threads.forEach { $0.join() }
    #expect(hermit.meetings == 0)
    #expect(hermit.calls == 40_000)
  }
}
