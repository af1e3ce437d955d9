import Kernels

/// cache: sixteen passes an operation over memory that fits in a cache; every word is read, changed and written.
///
/// Parameters: size (bytes), vcpus, answer.
enum CacheWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    let size = try session.number("size")
    guard size >= 4096, size <= 1 << 20 else { throw .failed(Text.bytes("size: expected 4 KiB to 1 MiB")) }
    try session.measure(
      Computation(
        bytesPerOperation: size * UInt64(pv_cache_passes), workBytes: Int(size),
        prepare: { pv_cache_prepare($0, size / 8 - 1) }, operate: pv_cache))
  }
}
