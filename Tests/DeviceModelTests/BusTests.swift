import DeviceModel
import Testing

@Suite("bus")
struct BusTests {
  private let first = RegisterFile()
  private let second = RegisterFile()

  @Test func anEmptyBusHasNoDevices() {
    #expect(Bus().device(at: 0) == nil)
    #expect(Bus().device(at: UInt64.max) == nil)
  }

  @Test func aWindowIsFoundFromItsFirstToItsLastAddress() throws {
    var bus = Bus()
    try bus.map(first, at: 0x1F0, count: 8)
    #expect(bus.device(at: 0x1EF) == nil)
    #expect(bus.device(at: 0x1F0)?.device === first)
    #expect(bus.device(at: 0x1F0)?.offset == 0)
    #expect(bus.device(at: 0x1F7)?.offset == 7)
    #expect(bus.device(at: 0x1F8) == nil)
  }

  @Test func neighboursAreToldApart() throws {
    var bus = Bus()
    try bus.map(second, at: 0x1000, count: 0x1000)
    try bus.map(first, at: 0, count: 0x1000)
    #expect(bus.device(at: 0xFFF)?.device === first)
    #expect(bus.device(at: 0xFFF)?.offset == 0xFFF)
    #expect(bus.device(at: 0x1000)?.device === second)
    #expect(bus.device(at: 0x1000)?.offset == 0)
  }

  @Test func everyOneOfManyWindowsIsFound() throws {
    var bus = Bus()
    let devices = (0..<37).map { _ in RegisterFile() }
    // 11 is prime to 37: every window once, in no order.
    for step in 0..<37 {
      let index = step * 11 % 37
      try bus.map(devices[index], at: UInt64(index) * 0x200, count: 0x100)
    }
    for (index, device) in devices.enumerated() {
      let base = UInt64(index) * 0x200
      #expect(bus.device(at: base)?.device === device)
      #expect(bus.device(at: base + 0xFF)?.device === device)
      #expect(bus.device(at: base + 0x100) == nil)
    }
  }

  /// Windows that share addresses with [0x100, 0x200).
  static let overlapping: [(base: UInt64, count: UInt64)] = [
    (0x100, 0x100), (0xFF, 2), (0x1FF, 1), (0x140, 8), (0, 0x1000), (0, 0x101),
  ]

  @Test(arguments: overlapping)
  func overlapsAreRefused(base: UInt64, count: UInt64) throws {
    var bus = Bus()
    try bus.map(first, at: 0x100, count: 0x100)
    #expect(mappingError(second, at: base, count: count, on: &bus) == .overlap(base: base, with: 0x100))
    #expect(bus.device(at: 0x140)?.device === first)
  }

  static let impossible: [(base: UInt64, count: UInt64)] = [
    (0, 0), (0x100, 0), (UInt64.max, 2), (UInt64.max - 3, 8), (1, UInt64.max),
  ]

  @Test(arguments: impossible)
  func windowsThatAreEmptyOrWrapAreRefused(base: UInt64, count: UInt64) {
    var bus = Bus()
    #expect(mappingError(first, at: base, count: count, on: &bus) == .invalidWindow(base: base, count: count))
    #expect(bus.device(at: base) == nil)
  }

  @Test func theHighestWindowIsFound() throws {
    var bus = Bus()
    try bus.map(first, at: UInt64.max - 8, count: 8)
    #expect(bus.device(at: UInt64.max - 1)?.offset == 7)
    #expect(bus.device(at: UInt64.max) == nil)
  }

  private func mappingError(
    _ device: any Device, at base: UInt64, count: UInt64, on bus: inout Bus
  ) -> Bus.MappingError? {
    do throws(Bus.MappingError) { try bus.map(device, at: base, count: count) } catch { return error }
    return nil
  }
}
