/// The width of one bus access, in bytes.
public enum AccessWidth: Int, Sendable {
  case byte = 1
  case word = 2
  case long = 4
  case quad = 8
}

/// Something on a bus. It sees offsets from wherever it is mapped, register widths and values, and knows neither KVM nor
/// its address. Calls come from vCPU threads, one at a time per device unless the device says otherwise; they must
/// neither allocate nor log, and must accept any order of any accesses: the guest is hostile.
public protocol Device: AnyObject {
  /// Reads the register at `offset` bytes into the device's window. An access that the device does not decode reads as
  /// all ones on a port and as zero on MMIO; which one is the device's own choice.
  func read(at offset: Int, width: AccessWidth) -> UInt64

  /// Writes the low `width` bytes of `value` to the register at `offset`.
  func write(_ value: UInt64, at offset: Int, width: AccessWidth)

  /// String input (`rep ins`): fills all of `bytes` from the register at `offset`, `width` bytes an element.
  func read(at offset: Int, width: AccessWidth, into bytes: inout MutableRawSpan)

  /// String output (`rep outs`): writes all of `bytes` to the register at `offset`, `width` bytes an element.
  func write(_ bytes: RawSpan, at offset: Int, width: AccessWidth)
}

extension Device {
  /// Reads element by element; a device with a data port overrides this.
  public func read(at offset: Int, width: AccessWidth, into bytes: inout MutableRawSpan) {
    readElements(at: offset, width: width, into: &bytes)
  }

  /// Writes element by element; a device with a data port overrides this.
  public func write(_ bytes: RawSpan, at offset: Int, width: AccessWidth) {
    writeElements(bytes, at: offset, width: width)
  }

  /// String input as single accesses: for the registers that an overriding device treats like any other.
  public func readElements(at offset: Int, width: AccessWidth, into bytes: inout MutableRawSpan) {
    var position = 0
    while position + width.rawValue <= bytes.byteCount {
      let value = read(at: offset, width: width)
      for index in 0..<width.rawValue {
        bytes.storeBytes(
          of: UInt8(truncatingIfNeeded: value >> UInt64(8 * index)), toByteOffset: position + index, as: UInt8.self)
      }
      position += width.rawValue
    }
  }

  /// String output as single accesses: for the registers that an overriding device treats like any other.
  public func writeElements(_ bytes: RawSpan, at offset: Int, width: AccessWidth) {
    var position = 0
    while position + width.rawValue <= bytes.byteCount {
      var value: UInt64 = 0
      for index in 0..<width.rawValue {
        let byte = bytes.unsafeLoadUnaligned(fromByteOffset: position + index, as: UInt8.self)
        value |= UInt64(byte) << UInt64(8 * index)
      }
      write(value, at: offset, width: width)
      position += width.rawValue
    }
  }
}
