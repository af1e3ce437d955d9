/// Maps addresses of one space (ports or MMIO) to devices. Built before the guest starts and never changed while it
/// runs; a look-up neither allocates nor locks.
public struct Bus: ~Copyable {
  /// One device's window.
  public struct Window {
    /// First address.
    public let base: UInt64
    /// Length in addresses.
    public let count: UInt64
    /// The device that answers.
    public let device: any Device
  }

  /// Why a device cannot be mapped.
  public enum MappingError: Error, Equatable {
    /// Two windows would share addresses.
    case overlap(base: UInt64, with: UInt64)
    /// The window is empty or wraps around.
    case invalidWindow(base: UInt64, count: UInt64)
  }

  private var windows: [Window] = []

  /// An empty bus.
  public init() {}

  /// Maps `device` at `[base, base + count)`.
  public mutating func map(_ device: any Device, at base: UInt64, count: UInt64) throws(MappingError) {
    guard count > 0, !base.addingReportingOverflow(count).overflow else {
      throw .invalidWindow(base: base, count: count)
    }
    if let other = windows.first(where: { base < $0.base + $0.count && $0.base < base + count }) {
      throw .overlap(base: base, with: other.base)
    }
    let index = windows.firstIndex { $0.base > base } ?? windows.count
    windows.insert(Window(base: base, count: count, device: device), at: index)
  }

  /// Puts another device in the place of each.
  public mutating func replaceDevices(_ replacement: (any Device) -> any Device) {
    windows = windows.map { Window(base: $0.base, count: $0.count, device: replacement($0.device)) }
  }

  /// The device at `address` and the offset in its window; `nil` where nothing is mapped.
  public func device(at address: UInt64) -> (device: any Device, offset: Int)? {
    var low = 0
    var high = windows.count
    while low < high {
      let middle = (low + high) / 2
      if windows[middle].base + windows[middle].count <= address { low = middle + 1 } else { high = middle }
    }
    guard low < windows.count, windows[low].base <= address else { return nil }
    return (windows[low].device, Int(address - windows[low].base))
  }
}
