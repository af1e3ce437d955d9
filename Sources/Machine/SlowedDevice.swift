import CLinuxKVM
import DeviceModel

/// How long the devices of a machine that is slow on purpose waste: a part of the time since one of them last answered, so that
/// whatever the guest does with them takes that part longer.
final class Slowdown {
  private let permille: UInt64
  private let clock: () -> UInt64
  /// When a device last answered; zero before the first time.
  private var answered: UInt64 = 0

  /// Nil for 0. Calls come one at a time, as calls of devices do; `clock` counts TSC ticks.
  init?(permille: Int, clock: @escaping () -> UInt64 = { pv_rdtsc() }) {
    guard permille > 0 else { return nil }
    self.permille = UInt64(permille)
    self.clock = clock
  }

  /// Lets the time pass, when a device has done its work and before it answers.
  func burn() {
    let now = clock()
    if answered != 0 {
      let end = now &+ (now &- answered) / 1000 &* permille
      while clock() < end {}
    }
    answered = clock()
  }
}

/// A device that answers as another one does, but later.
final class SlowedDevice: Device {
  private let device: any Device
  private let slowdown: Slowdown

  init(_ device: any Device, _ slowdown: Slowdown) {
    self.device = device
    self.slowdown = slowdown
  }

  func read(at offset: Int, width: AccessWidth) -> UInt64 {
    defer { slowdown.burn() }
    return device.read(at: offset, width: width)
  }

  func write(_ value: UInt64, at offset: Int, width: AccessWidth) {
    device.write(value, at: offset, width: width)
    slowdown.burn()
  }

  func read(at offset: Int, width: AccessWidth, into bytes: inout MutableRawSpan) {
    device.read(at: offset, width: width, into: &bytes)
    slowdown.burn()
  }

  func write(_ bytes: RawSpan, at offset: Int, width: AccessWidth) {
    device.write(bytes, at: offset, width: width)
    slowdown.burn()
  }
}

/// A device that is as if it were not there.
final class Nobody: Device {
  func read(at offset: Int, width: AccessWidth) -> UInt64 { .max }

  func write(_ value: UInt64, at offset: Int, width: AccessWidth) {}
}
