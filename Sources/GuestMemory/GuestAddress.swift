/// A guest-physical address in bytes. Never a host pointer, never a port.
public struct GuestAddress: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The address in bytes from the start of the guest-physical space.
  public let value: UInt64

  /// Wraps a raw guest-physical address; nothing is validated until it is used.
  @inlinable public init(_ value: UInt64) { self.value = value }

  /// The address `count` bytes further, wrapping: an overflow is caught when the result is used.
  @inlinable public static func + (address: GuestAddress, count: UInt64) -> GuestAddress {
    GuestAddress(address.value &+ count)
  }

  /// Orders by value.
  @inlinable public static func < (a: GuestAddress, b: GuestAddress) -> Bool { a.value < b.value }

  /// `0x…` in lower-case hexadecimal.
  public var description: String { "0x" + String(value, radix: 16) }
}
