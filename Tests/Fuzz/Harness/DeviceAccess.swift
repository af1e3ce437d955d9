import DeviceModel

/// What a guest can do to any window: single and string accesses of every width at every offset.
enum DeviceAccess {
  /// One access to `device`, whose window has `byteCount` bytes; now and then beside it.
  static func run(_ input: FuzzInput, on device: any Device, byteCount: Int) {
    let kind = input.byte()
    let width = input.width()
    let offset = kind & 0x80 == 0 ? Int(input.value(UInt16.self)) % byteCount : place(input, byteCount)
    switch kind & 7 {
    case 0...2: device.write(input.number(), at: offset, width: width)
    case 3...5: _ = device.read(at: offset, width: width)
    case 6: device.write(input.array(input.below(64)).span.bytes, at: offset, width: width)
    default:
      var bytes = [UInt8](repeating: 0, count: Int(input.byte() & 0x7F))
      var span = bytes.mutableSpan
      var raw = span.mutableBytes
      device.read(at: offset, width: width, into: &raw)
    }
  }

  private static func place(_ input: FuzzInput, _ byteCount: Int) -> Int {
    switch input.below(4) {
    case 0: byteCount - Int(input.byte() & 15)
    case 1: -Int(input.byte() & 15)
    case 2: Int(truncatingIfNeeded: input.value(UInt64.self))
    default: Int(input.value(UInt16.self))
    }
  }
}
