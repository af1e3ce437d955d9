import Backends
import DeviceModel
import GuestMemory
import Synchronization

@testable import EmulatedDevices

/// A clock that moves when it is told to.
final class FakeClock: Sendable {
  private let time = Atomic<UInt64>(1_000_000)
  var now: UInt64 { time.load(ordering: .relaxed) }
  func advance(_ nanoseconds: UInt64) { time.wrappingAdd(nanoseconds, ordering: .relaxed) }
}

/// A card, its surroundings, and what a driver does to it register by register.
final class E1000Driver {
  static let address: [UInt8] = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56]
  static let receiveRing: UInt64 = 0x10000
  static let transmitRing: UInt64 = 0x20000
  static let receiveBuffers: UInt64 = 0x100000
  static let transmitBuffers: UInt64 = 0x200000

  let memory: GuestMemory
  let port = FakeNetworkPort()
  let line = FakeInterruptLine()
  let clock = FakeClock()
  let card: E1000
  let registers: any Device
  var transmitTail: UInt64 = 0
  let transmitCount: UInt64 = 16
  let receiveCount: UInt64 = 16

  init(memoryByteCount: Int = 4 << 20) throws {
    memory = try GuestMemory(byteCount: memoryByteCount)
    let clock = clock
    card = try E1000(
      macAddress: Self.address, memory: memory, port: port, interrupt: line,
      placement: E1000.Placement(memory: 0xE000_0000, ports: 0xC040, interruptLine: 11), clock: { clock.now })
    registers = card.windows[0].device
  }

  func write(_ value: UInt64, _ register: E1000Register) { registers.write(value, at: register.rawValue, width: .long) }
  func read(_ register: E1000Register) -> UInt64 { registers.read(at: register.rawValue, width: .long) }
  func read(at offset: Int) -> UInt64 { registers.read(at: offset, width: .long) }
  func write(_ value: UInt64, at offset: Int) { registers.write(value, at: offset, width: .long) }
  func count(_ counter: E1000Statistics.Counter) -> UInt64 { read(at: counter.rawValue) }

  func becomeBusMaster(_ command: UInt64 = 0x7) {
    card.configuration.write(command, at: 4, width: .word)
    card.configurationWritten(at: 4, width: .word)
  }

  /// As Linux does it: reset, interrupts off, rings, receiver and transmitter on, interrupts on.
  func start(receiveControl: UInt64 = 0x0400_8002, transmitControl: UInt64 = 0xA) throws {
    becomeBusMaster()
    write(0xFFFF_FFFF, .interruptMaskClear)
    write(1 << 26, .control)
    write(0xFFFF_FFFF, .interruptMaskClear)
    _ = read(.interruptCause)
    write(Self.transmitRing, .transmitBaseLow)
    write(0, .transmitBaseHigh)
    write(transmitCount * 16, .transmitLength)
    write(0, .transmitHead)
    write(0, .transmitTail)
    transmitTail = 0
    write(transmitControl, .transmitControl)
    for index in 0..<receiveCount { try provide(index, address: Self.receiveBuffers + index * 4096) }
    write(Self.receiveRing, .receiveBaseLow)
    write(0, .receiveBaseHigh)
    write(receiveCount * 16, .receiveLength)
    write(0, .receiveHead)
    write(0, .receiveTail)
    write(receiveControl, .receiveControl)
    write(receiveCount - 1, .receiveTail)
    write(0x9D, .interruptMask)
  }

  func provide(_ index: UInt64, address: UInt64) throws {
    try memory.write(address, at: GuestAddress(Self.receiveRing + index * 16))
    try memory.write(UInt64(0), at: GuestAddress(Self.receiveRing + index * 16 + 8))
  }

  /// Writes the next transmit descriptor, without telling the card.
  func queue(_ address: UInt64, lower: UInt32, upper: UInt32 = 0) throws {
    let place = GuestAddress(Self.transmitRing + transmitTail * 16)
    try memory.write(address, at: place)
    try memory.write(lower, at: place + 8)
    try memory.write(upper, at: place + 12)
    transmitTail = (transmitTail + 1) % transmitCount
  }

  func kick() { write(transmitTail, .transmitTail) }

  /// Sends a frame by one legacy descriptor: EOP, IFCS, RS.
  func send(_ frame: [UInt8], command: UInt32 = 0x0B) throws {
    let buffer = Self.transmitBuffers + transmitTail * 4096
    try memory.write(frame, at: GuestAddress(buffer))
    try queue(buffer, lower: UInt32(frame.count) | command << 24)
    kick()
  }

  func transmitStatus(_ index: UInt64) throws -> UInt8 {
    try memory.read(UInt8.self, at: GuestAddress(Self.transmitRing + index * 16 + 12))
  }

  /// Brings frames to the card.
  func deliver(_ frames: [[UInt8]]) {
    port.incoming += frames
    work()
  }

  /// The worker's turns, until it has nothing more to do.
  func work() { while card.shared.withCore({ $0.workerTurn() }).hasMore {} }

  /// Gives descriptors back up to this one, and lets the worker go on.
  func giveBack(_ tail: UInt64) {
    write(tail, .receiveTail)
    work()
  }

  func received(_ index: UInt64) throws -> Received {
    let place = GuestAddress(Self.receiveRing + index * 16)
    let length = try memory.read(UInt16.self, at: place + 8)
    let address = try memory.read(UInt64.self, at: place)
    return Received(
      length: Int(length), checksum: try memory.read(UInt16.self, at: place + 10),
      status: try memory.read(UInt8.self, at: place + 12), errors: try memory.read(UInt8.self, at: place + 13),
      special: try memory.read(UInt16.self, at: place + 14),
      bytes: try memory.bytes(at: GuestAddress(address), count: Int(length)))
  }

  struct Received {
    let length: Int
    let checksum: UInt16
    let status: UInt8
    let errors: UInt8
    let special: UInt16
    let bytes: [UInt8]
  }
}

/// Frames and checksums, computed without the device's help.
enum Frames {
  /// An Ethernet frame of `size` bytes for the card, its payload a pattern.
  static func ethernet(
    to destination: [UInt8] = E1000Driver.address, type: UInt16 = 0x88B5, size: Int = 64, seed: Int = 0
  ) -> [UInt8] {
    let head = destination + [2, 0, 0, 0, 0, 1] + big(type)
    return head + (head.count..<max(size, head.count)).map { UInt8(truncatingIfNeeded: $0 * 7 + seed) }
  }

  static func big(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xFF)] }
  static func big(_ value: UInt32) -> [UInt8] { big(UInt16(value >> 16)) + big(UInt16(value & 0xFFFF)) }
  static func word(_ bytes: some RandomAccessCollection<UInt8>) -> UInt16 { bytes.reduce(0) { $0 << 8 | UInt16($1) } }
  static func long(_ bytes: some RandomAccessCollection<UInt8>) -> UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }

  /// RFC 1071, byte by byte: even bytes count 256-fold, and 65536 is 1.
  static func onesComplementSum(_ bytes: some Collection<UInt8>) -> UInt16 {
    let total = bytes.enumerated().reduce(0) { $0 + Int($1.element) * ($1.offset % 2 == 0 ? 256 : 1) }
    return total == 0 ? 0 : UInt16((total - 1) % 65535 + 1)
  }

  static func pseudoHeader(
    _ source: [UInt8], _ destination: [UInt8], protocol number: UInt8, length: Int
  ) -> [UInt8] {
    source + destination + [0, number] + big(UInt16(length))
  }

  static let source: [UInt8] = [10, 0, 0, 1]
  static let destination: [UInt8] = [10, 0, 0, 2]

  /// An IPv4 header without its checksum.
  static func ipv4(protocol number: UInt8, length: Int, identification: UInt16 = 0x1234) -> [UInt8] {
    [0x45, 0] + big(UInt16(20 + length)) + big(identification) + [0x40, 0, 64, number, 0, 0] + source + destination
  }

  /// The same with its checksum.
  static func ipv4Complete(protocol number: UInt8, length: Int) -> [UInt8] {
    var header = ipv4(protocol: number, length: length)
    header.replaceSubrange(10..<12, with: big(~onesComplementSum(header)))
    return header
  }

  /// A UDP datagram in IPv4 in Ethernet, complete.
  static func udp(payload: [UInt8]) -> [UInt8] {
    let length = 8 + payload.count
    var datagram = big(UInt16(1000)) + big(UInt16(2000)) + big(UInt16(length)) + [0, 0] + payload
    let covered = pseudoHeader(source, destination, protocol: 17, length: length) + datagram
    datagram.replaceSubrange(6..<8, with: big(~onesComplementSum(covered)))
    return ethernet(type: 0x0800, size: 14) + ipv4Complete(protocol: 17, length: length) + datagram
  }
}
