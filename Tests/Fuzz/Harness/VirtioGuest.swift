import DeviceModel
import GuestMemory
import ParavirtDevices

/// A driver of any virtio device behind the MMIO transport: decent enough to get somewhere, and hostile everywhere.
///
/// The device's threads run inside the operation that serves, once an input, on the calling thread: whatever an input does, it
/// does again.
final class VirtioGuest {
  let memory: GuardedMemory
  private let device: any VirtioDevice
  private let transport: VirtioMMIOTransport
  private let input: FuzzInput
  private var wasServed = false
  private var isServing = false

  /// What requests look like: writes them to memory at an address and says how long their readable part is.
  private let request: (VirtioGuest, FuzzInput, UInt64) -> UInt32

  private static let queueSize: UInt16 = 16
  private static let requests: UInt64 = 0x4000
  private static let tables: UInt64 = 0x6000

  init(
    _ device: any VirtioDevice, memory: GuardedMemory, input: FuzzInput,
    request: @escaping (VirtioGuest, FuzzInput, UInt64) -> UInt32
  ) {
    self.device = device
    self.memory = memory
    self.input = input
    self.request = request
    memory.clear()
    transport = VirtioMMIOTransport(device: device, memory: memory.guest, interrupt: IgnoredInterrupt())
  }

  /// Does everything that the input says, then serves, if that was not done yet, and resets.
  func run() {
    if input.flag() { begin() }
    var patience = 256
    while !input.isEmpty && patience > 0 {
      patience -= 1
      step()
    }
    serve()
    write(0, .status)
  }

  /// What another vCPU does to memory while the device is at work.
  func goOn() {
    guard isServing, !input.isEmpty, input.flag() else { return }
    touchMemory(input.below(6))
  }

  private func write(_ value: UInt32, _ register: VirtioMMIORegister) {
    transport.write(UInt64(value), at: register.rawValue, width: .long)
  }

  private func step() {
    switch input.below(16) {
    case 0...5: touchMemory(input.below(6))
    case 6: begin()
    case 7: negotiate()
    case 8: setUpQueue(input.below(max(device.queueSizes.count, 1)))
    case 9: write(15, .status)
    case 10, 11: write(UInt32(input.below(max(device.queueSizes.count, 1))), .queueNotify)
    case 12: serve()
    case 13: write(UInt32(truncatingIfNeeded: input.number()), .status)
    default: DeviceAccess.run(input, on: transport, byteCount: VirtioMMIORegister.windowByteCount)
    }
  }

  /// Lets the threads of the device do what there is to do.
  private func serve() {
    guard !wasServed else { return }
    wasServed = true
    isServing = true
    for thread in device.threads {
      thread.stop()
      try? thread.run()
    }
    isServing = false
  }
}

// MARK: - The decent part

extension VirtioGuest {
  private func begin() {
    negotiate()
    for queue in device.queueSizes.indices { setUpQueue(queue) }
    write(15, .status)
  }

  /// From reset to FEATURES_OK with a part of what is offered.
  private func negotiate() {
    let refused = input.flag() ? input.value(UInt64.self) : 0
    let features = device.features.rawValue & ~refused | VirtioFeatures.version1.rawValue
    for status in [0, 1, 3] as [UInt32] { write(status, .status) }
    for half in 0..<2 {
      write(UInt32(half), .driverFeaturesSelect)
      write(UInt32(truncatingIfNeeded: features >> UInt64(32 * half)), .driverFeatures)
    }
    write(11, .status)
  }

  private func base(_ queue: Int) -> UInt64 { 0x1000 + 0x400 * UInt64(queue) }

  private func setUpQueue(_ queue: Int) {
    let isDecent = input.byte() < 0xE0
    let base = base(queue)
    write(UInt32(queue), .queueSelect)
    write(isDecent ? UInt32(Self.queueSize) : UInt32(truncatingIfNeeded: input.number()), .queueSize)
    let areas: [(VirtioMMIORegister, VirtioMMIORegister, UInt64)] = [
      (.queueDescriptorsLow, .queueDescriptorsHigh, base),
      (.queueDriverLow, .queueDriverHigh, base + 0x100),
      (.queueDeviceLow, .queueDeviceHigh, base + 0x200),
    ]
    for (low, high, place) in areas {
      let address = isDecent ? place : input.address(in: memory.byteCount)
      write(UInt32(truncatingIfNeeded: address), low)
      write(UInt32(truncatingIfNeeded: address >> 32), high)
    }
    write(1, .queueReady)
  }
}

// MARK: - Rings and chains

extension VirtioGuest {
  private func touchMemory(_ kind: Int) {
    let queue = input.below(max(device.queueSizes.count, 1))
    switch kind {
    case 0, 1: publishChain(queue)
    case 2: writeDescriptor(at: base(queue) + 16 * UInt64(input.below(17)))
    case 3: publish(UInt16(input.byte()), queue)
    case 4:
      let offset = UInt64(input.byte() & 63)
      memory.write(UInt16(truncatingIfNeeded: input.number()), at: base(queue) + 0x100 + offset)
    default: memory.write(input)
    }
  }

  private func publish(_ head: UInt16, _ queue: Int) {
    let ring = base(queue) + 0x100
    let index = memory.read(UInt16.self, at: ring + 2)
    memory.write(head, at: ring + 4 + 2 * UInt64(index % Self.queueSize))
    memory.write(index &+ 1, at: ring + 2)
  }

  private func write(_ address: UInt64, _ length: UInt32, _ flags: UInt16, _ next: UInt16, at place: UInt64) {
    memory.write(address, at: place)
    memory.write(length, at: place + 8)
    memory.write(flags, at: place + 12)
    memory.write(next, at: place + 14)
  }

  private func writeDescriptor(at place: UInt64) {
    write(
      input.address(in: memory.byteCount), input.length(), UInt16(input.byte() & 7), UInt16(input.below(18)), at: place)
  }

  /// A chain as a driver writes it: a request, then buffers of either direction, then a byte for the answer; in the table of the
  /// queue or in one of its own.
  private func publishChain(_ queue: Int) {
    let shape = input.byte()
    let isIndirect = shape & 0x80 != 0
    let first = UInt16(input.below(Int(Self.queueSize)))
    let table = isIndirect ? Self.tables + 0x100 * UInt64(first) : base(queue)
    let offset = isIndirect ? 0 : first
    let place = Self.requests + 64 * UInt64(first)
    var parts: [(address: UInt64, length: UInt32, isWritable: Bool)] = []
    if shape & 1 == 0 { parts.append((place, request(self, input, place), false)) }
    let isWritable = shape & 2 != 0
    for _ in 0..<(shape >> 2 & 3) { parts.append((input.address(in: memory.byteCount), input.length(), isWritable)) }
    if shape & 0x10 != 0 { parts.append((place + 48, 1, true)) }
    for (index, part) in parts.enumerated() {
      let next = (offset + UInt16(index) + 1) % Self.queueSize
      let flags: UInt16 = (index + 1 < parts.count ? 1 : 0) | (part.isWritable ? 2 : 0)
      let descriptor = table + 16 * UInt64((Int(offset) + index) % Int(Self.queueSize))
      write(part.address, part.length, flags, next, at: descriptor)
    }
    if isIndirect { write(table, UInt32(16 * parts.count), 4, 0, at: base(queue) + 16 * UInt64(first)) }
    publish(first, queue)
  }
}
