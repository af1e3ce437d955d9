import DeviceModel
import GuestMemory
import ParavirtDevices
import Synchronization

/// Message interrupts that are counted. Their eventfds are numbers that nobody signals.
final class CountedMessages: MessageInterrupts {
  final class Edge: InterruptEdge {
    let count = Atomic<Int>(0)
    let eventDescriptor: Int32?
    init(_ descriptor: Int32) { eventDescriptor = descriptor }
    func pulse() { count.wrappingAdd(1, ordering: .sequentiallyConsistent) }
  }
  private let edges: [Edge]

  init(_ count: Int) { edges = (0..<count).map { Edge(Self.firstDescriptor + Int32($0)) } }

  private static let firstDescriptor: Int32 = 1_000_000
  func descriptor(_ vector: Int) -> Int32 { Self.firstDescriptor + Int32(vector) }

  func configure(vector: Int, address: UInt64, data: UInt32, isMasked: Bool) {}
  func edge(vector: Int) -> any InterruptEdge { edges[vector] }
  func sent(_ vector: Int) -> Int { edges[vector].count.load(ordering: .sequentiallyConsistent) }
}

/// A level that is remembered.
final class RememberedLine: InterruptLine {
  private let level = Atomic<Bool>(false)
  var isAsserted: Bool { level.load(ordering: .sequentiallyConsistent) }
  func set(_ asserted: Bool) { level.store(asserted, ordering: .sequentiallyConsistent) }
}

/// A device without work: it remembers what it was told.
final class RecordingDevice: VirtioDevice {
  let deviceID: UInt32 = 2
  let features: VirtioFeatures = [.version1, .eventIndex]
  let doorbells: [EventFD] = []
  let threads: [any DeviceWorker] = []
  let queueSizes: [UInt16] = [16, 64]
  let configuration = VirtioConfiguration([1, 2, 3, 4, 5, 6, 7, 8])
  private(set) var activation: VirtioActivation?
  private(set) var notified: [Int] = []
  private(set) var stopped: [Int] = []

  func activate(_ activation: VirtioActivation) { self.activation = activation }
  func notify(queue: Int) { notified.append(queue) }
  func stop(queue: Int) { stopped.append(queue) }
}

/// A driver that works a PCI function's configuration space and windows.
struct PCIGuestDriver {
  let memory: GuestMemory
  let messages: CountedMessages
  let line = RememberedLine()
  let device = RecordingDevice()
  let transport: VirtioPCITransport
  private let bridge = PCIHostBridge()

  /// A function of the recording device, or of another one.
  init(_ other: (any VirtioDevice)? = nil) throws {
    memory = try GuestMemory(byteCount: 1 << 20)
    let device = other ?? device
    messages = CountedMessages(device.queueSizes.count + 1)
    transport = VirtioPCITransport(
      device: device, memory: memory, structures: 0xE000_0000, messageWindow: 0xE000_4000, messages: messages,
      line: line,
      lineNumber: 10)
    bridge.add(transport, slot: 2)
  }

  // MARK: Configuration space, through the bridge

  func configuration(_ offset: Int, _ width: AccessWidth = .long) -> UInt64 {
    bridge.ports.write(UInt64(0x8000_1000 | offset & 0xFC), at: 0, width: .long)
    return bridge.ports.read(at: 4 + offset & 3, width: width)
  }

  func setConfiguration(_ value: UInt64, _ offset: Int, _ width: AccessWidth = .long) {
    bridge.ports.write(UInt64(0x8000_1000 | offset & 0xFC), at: 0, width: .long)
    bridge.ports.write(value, at: 4 + offset & 3, width: width)
  }

  /// Offsets of the capabilities with this ID, in the order of the chain.
  func capabilities(_ id: UInt64) -> [Int] {
    var chain: [Int] = []
    var offset = Int(configuration(0x34, .byte))
    while offset != 0 && chain.count < 48 {
      chain.append(offset)
      offset = Int(configuration(offset + 1, .byte))
    }
    return chain.filter { configuration($0, .byte) == id }
  }

  /// The vendor capability of a structure.
  func capability(type: UInt64) -> Int? { capabilities(0x09).first { configuration($0 + 3, .byte) == type } }

  // MARK: Windows

  var registers: any Device { transport.windows[0].device }
  var table: any Device { transport.windows[1].device }

  func read(_ register: VirtioPCIRegister) -> UInt64 { registers.read(at: register.rawValue, width: register.width) }

  func write(_ value: UInt64, to register: VirtioPCIRegister) {
    registers.write(value, at: register.rawValue, width: register.width)
  }

  func enableMessages() {
    setConfiguration(0x8000, capabilities(0x11)[0] + 2, .word)
    for vector in 0..<3 { table.write(0, at: 16 * vector + 12, width: .long) }
  }

  // MARK: The order of 3.1.1

  func negotiate(_ features: VirtioFeatures = [.version1]) {
    for status in [0, 1, 3] as [UInt64] { write(status, to: .deviceStatus) }
    write(0, to: .driverFeatureSelect)
    write(features.rawValue & 0xFFFF_FFFF, to: .driverFeature)
    write(1, to: .driverFeatureSelect)
    write(features.rawValue >> 32, to: .driverFeature)
    write(11, to: .deviceStatus)
  }

  func setUp(queue: UInt64, vector: UInt64? = nil, base: UInt64 = 0x1_0000) {
    write(queue, to: .queueSelect)
    write(16, to: .queueSize)
    if let vector { write(vector, to: .queueVector) }
    write(base, to: .queueDescriptorsLow)
    write(base + 0x4000, to: .queueDriverLow)
    write(base + 0x8000, to: .queueDeviceLow)
    write(1, to: .queueEnable)
  }
}
