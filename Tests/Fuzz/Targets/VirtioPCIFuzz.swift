import DeviceModel
import ParavirtDevices

/// The PCI transport on its own: configuration space through the bridge, its access capability, structures, MSI-X.
struct VirtioPCIFuzz: FuzzTarget {
  static let name = "virtio-pci"

  private let memory: GuardedMemory
  private static let registers: [VirtioPCIRegister] = [
    .deviceFeatureSelect, .driverFeatureSelect, .driverFeature, .configurationVector, .deviceStatus, .queueSelect,
    .queueSize, .queueVector, .queueEnable, .queueDescriptorsLow, .queueDescriptorsHigh, .queueDriverLow,
    .queueDriverHigh, .queueDeviceLow, .queueDeviceHigh,
  ]
  private static let values: [UInt64] = [0, 1, 2, 3, 11, 15, 16, 64, 128, 0x1000, 0x2000, 0x3000, 0xFFFF]

  init() throws { memory = try GuardedMemory() }

  func run(_ input: FuzzInput) {
    memory.clear()
    let device = IdleVirtioDevice()
    let transport = VirtioPCITransport(
      device: device, memory: memory.guest, structures: 0xE000_0000, messageWindow: 0xE000_4000,
      messages: IgnoredInterrupt(), line: IgnoredInterrupt(), lineNumber: 10)
    let bridge = PCIHostBridge()
    bridge.add(transport, slot: 2)
    while !input.isEmpty { step(input, device, transport, bridge) }
    let structures = transport.windows[0].device
    structures.write(0, at: VirtioPCIRegister.deviceStatus.rawValue, width: .byte)
    mustHold(
      structures.read(at: VirtioPCIRegister.deviceStatus.rawValue, width: .byte) == 0, "a reset leaves a status")
  }

  private func step(
    _ input: FuzzInput, _ device: IdleVirtioDevice, _ transport: VirtioPCITransport, _ bridge: PCIHostBridge
  ) {
    let structures = transport.windows[0].device
    switch input.below(12) {
    case 0...3:
      let register = input.pick(Self.registers)
      let value = input.flag() ? input.pick(Self.values) : input.number()
      structures.write(value, at: register.rawValue, width: register.width)
    case 4:
      for status in [0, 1, 3] {
        structures.write(UInt64(status), at: VirtioPCIRegister.deviceStatus.rawValue, width: .byte)
      }
    case 5: device.act(input)
    case 6: memory.write(input)
    case 7: bridge.ports.write(0x8000_1000 | UInt64(input.byte()), at: 0, width: .long)
    case 8: bridge.ports.write(input.number(), at: 4 + input.below(4), width: input.width())
    case 9: DeviceAccess.run(input, on: bridge.ports, byteCount: 8)
    case 10: DeviceAccess.run(input, on: structures, byteCount: Int(VirtioPCIStructure.windowByteCount))
    default: DeviceAccess.run(input, on: transport.windows[1].device, byteCount: Int(MSIXTable.windowByteCount))
    }
  }
}
