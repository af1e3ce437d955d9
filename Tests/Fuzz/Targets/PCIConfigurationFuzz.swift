import DeviceModel

/// Configuration mechanism #1, a function behind it, and its MSI-X table with interrupts that come at any time.
struct PCIConfigurationFuzz: FuzzTarget {
  static let name = "pci-config"

  private final class Function: PCIFunction {
    let configuration: PCIConfiguration
    let table: MSIXTable
    private let base = PCIBaseAddress.memory(index: 1, byteCount: MSIXTable.windowByteCount, address: 0xE000_0000)

    init(vectors: Int) {
      configuration = PCIConfiguration(
        PCIIdentity(vendor: 1, device: 2, classCode: 3), baseAddresses: [base], interruptLine: 9)
      table = MSIXTable(
        vectorCount: vectors, messages: IgnoredInterrupt(), configuration: configuration, baseAddress: 1)
    }

    var windows: [(baseAddress: PCIBaseAddress, device: any Device)] { [(base, table)] }
    func configurationWritten(at offset: Int, width: AccessWidth) { table.configurationWritten() }
  }

  func run(_ input: FuzzInput) {
    let vectors = input.pick([1, 3, 64, MSIXTable.maximumVectorCount])
    let function = Function(vectors: vectors)
    let bridge = PCIHostBridge()
    bridge.add(function, slot: 2)
    while !input.isEmpty {
      switch input.below(6) {
      case 0: bridge.ports.write(0x8000_1000 | UInt64(input.byte()), at: 0, width: .long)
      case 1: bridge.ports.write(input.number(), at: 4 + input.below(4), width: input.width())
      case 2: DeviceAccess.run(input, on: bridge.ports, byteCount: 8)
      case 3: function.table.edge(vector: input.below(min(vectors, 256))).pulse()
      case 4: function.table.write(input.number(), at: 4 * input.below(256), width: input.flag() ? .long : .quad)
      default: DeviceAccess.run(input, on: function.table, byteCount: Int(MSIXTable.windowByteCount))
      }
    }
    mustHold(function.configuration.read(at: 0, width: .long) == 0x0002_0001, "a guest has changed an identity")
  }
}
