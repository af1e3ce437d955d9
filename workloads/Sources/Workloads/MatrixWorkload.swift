import Kernels

/// matmul: the product of two dense matrices of 96 by 96 doubles, an operation each.
///
/// Parameters: vectors (sse2: of 2 doubles; avx2: of 4, with fused multiplication and addition), vcpus, answer.
enum MatrixWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    let isWide = session.isWord("vectors", "avx2")
    if isWide { try InstructionSet.avx2.require() }
    try session.measure(
      Computation(
        workBytes: Int(pv_matmul_bytes), prepare: { pv_matmul_prepare($0) },
        operate: isWide ? pv_matmul_avx2 : pv_matmul_sse2))
  }
}
