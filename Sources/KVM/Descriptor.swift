import CLinuxKVM
import Glibc

/// The one owner of a file descriptor: closed exactly once, when its owner goes.
struct Descriptor: ~Copyable {
  let raw: Int32

  init(owning raw: Int32) { self.raw = raw }

  deinit { close(raw) }

  /// Makes a request with a number as its argument and returns its result.
  @discardableResult
  func request(_ operation: KVMOperation, _ number: UInt, _ argument: UInt = 0) throws(KVMError) -> Int32 {
    try Self.check(operation, pv_ioctl_value(raw, number, argument))
  }

  /// Makes a request that reads or fills `value`, and returns its result.
  @discardableResult
  func request<Value: BitwiseCopyable>(
    _ operation: KVMOperation, _ number: UInt, _ value: inout Value
  ) throws(KVMError) -> Int32 {
    // SAFETY: `value` has the layout that `number` encodes, and the kernel keeps no pointer to it.
    let result = withUnsafeMutablePointer(to: &value) { pv_ioctl_pointer(raw, number, $0) }
    return try Self.check(operation, result)
  }

  /// Turns a shim's `-errno` into an error that names the operation.
  @discardableResult
  static func check(_ operation: KVMOperation, _ result: Int32) throws(KVMError) -> Int32 {
    guard result >= 0 else { throw .ioctl(operation, errno: -result) }
    return result
  }
}
