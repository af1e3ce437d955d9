import Synchronization
import Testing

@testable import DeviceModel

struct PCIMessageTests {
  private final class Messages: MessageInterrupts {
    struct Message: Equatable {
      var vector: Int
      var address: UInt64
      var data: UInt32
      var isMasked: Bool
    }
    final class Counter: InterruptEdge {
      let count = Atomic<Int>(0)
      let eventDescriptor: Int32? = 42
      func pulse() { count.wrappingAdd(1, ordering: .sequentiallyConsistent) }
    }
    let counters: [Counter]
    private let log = Mutex<[Message]>([])

    init(_ count: Int) { counters = (0..<count).map { _ in Counter() } }

    var messages: [Message] { log.withLock { $0 } }
    func sent(_ vector: Int) -> Int { counters[vector].count.load(ordering: .sequentiallyConsistent) }
    func configure(vector: Int, address: UInt64, data: UInt32, isMasked: Bool) {
      log.withLock { $0.append(Message(vector: vector, address: address, data: data, isMasked: isMasked)) }
    }
    func edge(vector: Int) -> any InterruptEdge { counters[vector] }
  }

  private struct Rig {
    let messages: Messages
    let configuration: PCIConfiguration
    let table: MSIXTable
    let capability: Int

    init(vectors: Int = 3) {
      messages = Messages(vectors)
      configuration = PCIConfiguration(
        PCIIdentity(vendor: 1, device: 2, classCode: 3),
        baseAddresses: [.memory(index: 1, byteCount: 0x1000, address: 0xE000_0000)], interruptLine: 0)
      table = MSIXTable(vectorCount: vectors, messages: messages, configuration: configuration, baseAddress: 1)
      capability = Int(configuration.read(at: 0x34, width: .byte))
    }

    /// Writes message control: 0x8000 switches MSI-X on, 0x4000 masks the function.
    func control(_ value: UInt64) {
      configuration.write(value, at: capability + 2, width: .word)
      table.configurationWritten()
    }
    func mask(_ vector: Int, _ isMasked: Bool) {
      table.write(isMasked ? 1 : 0, at: 16 * vector + 12, width: .long)
    }
    func pulse(_ vector: Int) { table.edge(vector: vector).pulse() }
    var pendingBits: UInt64 { table.read(at: 0x800, width: .quad) }
  }

  @Test func messageIsForTheKernelToSendOnlyWhileNothingStandsBeforeIt() {
    let rig = Rig()
    var seen: [Int32?] = []
    rig.table.deliveryChanged = { seen.append(rig.table.edge(vector: 1).eventDescriptor) }
    rig.mask(1, false)
    rig.control(0x8000)
    rig.mask(1, true)
    rig.mask(1, false)
    rig.control(0xC000)
    rig.control(0x8000)
    rig.control(0)
    #expect(seen == [nil, 42, nil, 42, nil, 42, nil])
  }

  @Test func capabilityTellsTableAndPendingBits() {
    let rig = Rig()
    #expect(rig.configuration.read(at: rig.capability, width: .byte) == 0x11)
    #expect(rig.configuration.read(at: rig.capability + 2, width: .word) == 2)
    #expect(rig.configuration.read(at: rig.capability + 4, width: .long) == 0x0000_0001)
    #expect(rig.configuration.read(at: rig.capability + 8, width: .long) == 0x0000_0801)
  }

  @Test func onlyEnableAndMaskAreWritable() {
    let rig = Rig()
    rig.configuration.write(0xFFFF_FFFF, at: rig.capability, width: .long)
    #expect(rig.configuration.read(at: rig.capability + 2, width: .word) == 0xC002)
  }

  @Test func everyVectorStartsMasked() {
    let rig = Rig()
    #expect((0..<3).map { rig.table.read(at: 16 * $0 + 12, width: .long) } == [1, 1, 1])
  }

  @Test func accessesBesideTheWindowAreIgnored() {
    let rig = Rig()
    for offset in [Int.min, Int.max, Int.max & ~7, -8, -16, 0x1000] {
      #expect(rig.table.read(at: offset, width: .long) == 0)
      rig.table.write(.max, at: offset, width: .long)
    }
    #expect((0..<3).map { rig.table.read(at: 16 * $0, width: .quad) } == [0, 0, 0])
    #expect((0..<3).map { rig.table.read(at: 16 * $0 + 8, width: .quad) } == [1 << 32, 1 << 32, 1 << 32])
    #expect(rig.messages.messages.isEmpty)
  }

  @Test func entriesReadBackWithoutReservedBits() {
    let rig = Rig()
    rig.table.write(0xFEE0_1003, at: 16, width: .long)
    rig.table.write(0x7, at: 20, width: .long)
    rig.table.write(0xFFFF_FFFE_0000_0041, at: 24, width: .quad)
    #expect(rig.table.read(at: 16, width: .quad) == 0x7_FEE0_1000)
    #expect(rig.table.read(at: 24, width: .quad) == 0x0000_0000_0000_0041)
    #expect(rig.table.read(at: 25, width: .word) == 0)
    #expect(rig.table.read(at: 24, width: .byte) == 0x41)
  }

  @Test func openVectorSends() {
    let rig = Rig()
    rig.control(0x8000)
    rig.table.write(0xFEE0_0000, at: 0, width: .quad)
    rig.table.write(0x41, at: 8, width: .quad)
    rig.pulse(0)
    #expect(rig.messages.sent(0) == 1)
    #expect(rig.messages.messages.last == .init(vector: 0, address: 0xFEE0_0000, data: 0x41, isMasked: false))
  }

  @Test func maskedVectorIsKeptAndSentOnceWhenUnmasked() {
    let rig = Rig()
    rig.control(0x8000)
    rig.pulse(1)
    rig.pulse(1)
    #expect(rig.messages.sent(1) == 0)
    #expect(rig.pendingBits == 0b010)
    rig.mask(1, false)
    #expect(rig.messages.sent(1) == 1)
    #expect(rig.pendingBits == 0)
  }

  @Test func functionMaskHoldsEveryVector() {
    let rig = Rig()
    rig.mask(0, false)
    rig.mask(2, false)
    rig.control(0xC000)
    for vector in 0..<3 { rig.pulse(vector) }
    #expect(rig.pendingBits == 0b111)
    rig.control(0x8000)
    #expect((0..<3).map { rig.messages.sent($0) } == [1, 0, 1])
    #expect(rig.pendingBits == 0b010)
  }

  @Test func switchedOffItDropsAndForgets() {
    let rig = Rig()
    rig.pulse(0)
    rig.control(0x8000)
    #expect(rig.pendingBits == 0)
    rig.pulse(0)
    rig.control(0)
    rig.mask(0, false)
    rig.control(0x8000)
    #expect(rig.messages.sent(0) == 0)
  }

  @Test func messageIsSetBeforeWhatWasKeptIsSent() {
    let rig = Rig()
    rig.control(0x8000)
    rig.pulse(0)
    rig.table.write(0x55, at: 8, width: .quad)
    #expect(rig.messages.messages.last == .init(vector: 0, address: 0, data: 0x55, isMasked: false))
    #expect(rig.messages.sent(0) == 1)
  }

  @Test func pendingBitsCannotBeWritten() {
    let rig = Rig()
    rig.control(0x8000)
    rig.table.write(.max, at: 0x800, width: .quad)
    #expect(rig.pendingBits == 0)
  }

  @Test(arguments: [(1, AccessWidth.long), (2, .long), (4, .quad), (0, .byte), (0, .word)])
  func oddWritesAreIgnored(offset: Int, width: AccessWidth) {
    let rig = Rig()
    rig.table.write(.max, at: offset, width: width)
    #expect(rig.table.read(at: 0, width: .quad) == 0)
    #expect(rig.table.read(at: 8, width: .quad) == 1 << 32)
  }

  @Test func windowBeyondTheTableIsEmpty() {
    let rig = Rig()
    rig.table.write(.max, at: 48, width: .quad)
    #expect(rig.table.read(at: 48, width: .quad) == 0)
    #expect(rig.table.read(at: 0x7F8, width: .quad) == 0)
    #expect(rig.table.read(at: 0x808, width: .quad) == 0)
    #expect(rig.table.read(at: 0xFFC, width: .quad) == 0)
  }

  @Test func pendingBitsReachBeyondTheFirstWord() {
    let rig = Rig(vectors: 128)
    rig.control(0x8000)
    rig.pulse(64)
    rig.pulse(127)
    #expect(rig.pendingBits == 0)
    #expect(rig.table.read(at: 0x808, width: .quad) == 0x8000_0000_0000_0001)
    #expect(rig.table.read(at: 0x7F8, width: .quad) == 1 << 32)
  }
}
