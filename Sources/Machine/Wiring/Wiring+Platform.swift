import DeviceModel
import EmulatedDevices
import KVM

/// What a foreign guest expects of a PC beside the devices that were chosen: every clock, and ways to end it.
extension Wiring {
  mutating func attachPlatform(
    _ system: any SystemControl, _ machine: borrowing VirtualMachine
  ) throws(MachineError) {
    let timer = ACPITimer(clock: HostClock.sinceBoot)
    try Self.map(timer, at: Port.acpiTimer, count: ACPITimer.portCount, on: &ports)
    let clock = RealTimeClock(clock: HostClock.since1970())
    try Self.map(clock, at: Port.realTimeClock, count: RealTimeClock.portCount, on: &ports)
    do { try machine.createPIT() } catch { throw .kvm(error) }
    try Self.map(ACPIPower(system: system), at: Port.acpiPower, count: ACPIPower.portCount, on: &ports)
    try Self.map(KeyboardReset(system: system), at: Port.keyboardCommand, count: 1, on: &ports)
    try Self.map(DebugExit(system: system), at: Port.debugExit, count: DebugExit.portCount, on: &ports)
    try Self.map(BootMarker(system: system), at: Port.bootMarker, count: 1, on: &ports)
  }

  /// PCI's configuration mechanism, with the reset register among its ports where the guest is a foreign one.
  var configurationPorts: any Device {
    systemControl.map { ResetControl(system: $0, bridge: pci.ports) } ?? pci.ports
  }
}
