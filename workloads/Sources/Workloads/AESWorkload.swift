import Kernels

/// aes: 16 KiB encrypted by AES-128 block by block with the processor's AES instructions, four times an operation, each time what
/// came out of the last.
///
/// Parameters: vcpus, answer.
enum AESWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    try InstructionSet.aes.require()
    // FIPS 197, appendix C.1.
    let key = (0..<16).map { UInt8($0) }
    let block = (0..<16).map { UInt8($0 * 0x11) }
    guard pv_aes_block(key, block) == 0x69C4_E0D8_6A7B_0430 else {
      throw .failed(Text.bytes("the AES-128 of FIPS 197, appendix C.1, is wrong"))
    }
    try session.measure(
      Computation(
        bytesPerOperation: UInt64(pv_aes_message) * UInt64(pv_aes_rounds), workBytes: Int(pv_aes_message),
        prepare: { _ in 0x685B_6CEA_7DB2_71E8 },  // of OpenSSL's AES-128 in ECB mode
        operate: pv_aes))
  }
}
