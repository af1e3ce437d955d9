import Kernels

/// sha256: the digest of 16 KiB by the processor's SHA instructions, four times an operation, each time with the last digest in
/// the message.
///
/// Parameters: vcpus, answer.
enum SHA256Workload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    try InstructionSet.sha.require()
    // "abc" (FIPS 180-4; NIST's examples of SHA-256).
    guard pv_sha256_short([97, 98, 99] as [UInt8], 3) == 0xBA78_16BF_8F01_CFEA else {
      throw .failed(Text.bytes("SHA-256 of abc is wrong"))
    }
    try session.measure(
      Computation(
        bytesPerOperation: UInt64(pv_sha256_message) * UInt64(pv_sha256_rounds), workBytes: Int(pv_sha256_message),
        prepare: { _ in 0x0150_E49F_5220_D46F },  // of Python's hashlib
        operate: pv_sha256))
  }
}
