import Backends
import DeviceModel
import GuestMemory

/// The IDE function of an Intel 82371SB (PIIX3): a primary channel with one disk at legacy ports and an empty secondary one, and
/// a bus master for each behind base address 4.
///
/// Timings are registers without effect, and both channels always decode their legacy ports.
public final class PIIX3IDE: PCIFunction {
  /// Its configuration space.
  public let configuration: PCIConfiguration
  /// The channel whose two blocks answer at legacy ports.
  public let primary: IDEChannel
  /// The bus masters' ports.
  public let windows: [(baseAddress: PCIBaseAddress, device: any Device)]

  /// A controller whose disk is as large as `storage`, and whose bus masters read and write `memory` and have their sixteen
  /// ports from `ports` on.
  public init(
    storage: any BlockStorage, identity: DriveIdentity, interrupt: any InterruptLine, memory: GuestMemory, ports: UInt32
  ) {
    let base = PCIBaseAddress.port(index: 4, byteCount: UInt32(BusMasterPorts.byteCount), address: ports)
    let configuration = PCIConfiguration(
      PCIIdentity(vendor: 0x8086, device: 0x7010, classCode: 0x010180), baseAddresses: [base], interruptLine: 0)
    for timing in [0x40, 0x42] {
      configuration.set(UInt16(0x8000), at: timing)  // IDETIM: the channel's ports are decoded
      configuration.allowWriting(UInt16.max, at: timing)
    }
    configuration.allowWriting(UInt8.max, at: 0x44)  // SIDETIM
    let masters = [BusMaster(memory: memory), BusMaster(memory: memory)]
    primary = IDEChannel(
      storage: storage, identity: identity, interrupt: BusMasterInterrupt(line: interrupt, master: masters[0]),
      bus: BusMasterLink(master: masters[0], configuration: configuration))
    self.configuration = configuration
    windows = [(base, BusMasterPorts(masters: masters, primary: primary))]
  }

  /// A transfer may have been waiting for the right to master the bus.
  public func configurationWritten(at offset: Int, width: AccessWidth) { primary.serveDMA() }
}

/// A channel's way to its bus master: open as long as the function may master the bus.
struct BusMasterLink {
  let master: BusMaster
  let configuration: PCIConfiguration

  func serve(_ drive: ATADrive) { if configuration.isBusMaster { master.serve(drive) } }
}

/// Two bus masters of eight ports each. The secondary one has no drive that would ever move data.
private final class BusMasterPorts: Device {
  static let byteCount = 16

  private let masters: [BusMaster]
  private let primary: IDEChannel

  init(masters: [BusMaster], primary: IDEChannel) {
    self.masters = masters
    self.primary = primary
  }

  func read(at offset: Int, width: AccessWidth) -> UInt64 {
    ByteLanes.read(at: offset, width: width) { place in
      (0..<Self.byteCount).contains(place) ? masters[place / 8].read(at: place % 8) : 0xFF
    }
  }

  func write(_ value: UInt64, at offset: Int, width: AccessWidth) {
    ByteLanes.write(value, at: offset, width: width) { byte, place in
      if (0..<Self.byteCount).contains(place) { masters[place / 8].write(byte, at: place % 8) }
    }
    primary.serveDMA()
  }
}
