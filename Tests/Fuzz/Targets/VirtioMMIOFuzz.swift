import ParavirtDevices

/// The MMIO transport on its own: any order of registers.
struct VirtioMMIOFuzz: FuzzTarget {
  static let name = "virtio-mmio"

  private let memory: GuardedMemory
  private static let registers: [VirtioMMIORegister] = [
    .status, .driverFeatures, .driverFeaturesSelect, .deviceFeaturesSelect, .queueSelect, .queueSize, .queueReady,
    .queueNotify, .interruptAcknowledge, .queueDescriptorsLow, .queueDescriptorsHigh, .queueDriverLow, .queueDriverHigh,
    .queueDeviceLow, .queueDeviceHigh,
  ]
  private static let values: [UInt64] = [0, 1, 2, 3, 11, 15, 16, 64, 128, 0x1000, 0x2000, 0x3000]

  init() throws { memory = try GuardedMemory() }

  func run(_ input: FuzzInput) {
    memory.clear()
    let device = IdleVirtioDevice()
    let transport = VirtioMMIOTransport(device: device, memory: memory.guest, interrupt: IgnoredInterrupt())
    while !input.isEmpty {
      switch input.below(8) {
      case 0...3: transport.write(value(input), at: input.pick(Self.registers).rawValue, width: .long)
      case 4: for status in [0, 1, 3] { transport.write(UInt64(status), at: 0x70, width: .long) }
      case 5: device.act(input)
      case 6: memory.write(input)
      default: DeviceAccess.run(input, on: transport, byteCount: VirtioMMIORegister.windowByteCount)
      }
    }
    transport.write(0, at: VirtioMMIORegister.status.rawValue, width: .long)
    let status = transport.read(at: VirtioMMIORegister.status.rawValue, width: .long)
    mustHold(status == 0, "a reset leaves a status")
  }

  private func value(_ input: FuzzInput) -> UInt64 { input.flag() ? input.pick(Self.values) : input.number() }
}
