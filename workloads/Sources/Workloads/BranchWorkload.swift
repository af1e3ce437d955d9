import Kernels

/// branch: 98,304 conditional branches an operation.
///
/// Parameters: pattern (random: by pseudo-random bits; steady: always the same way), vcpus, answer.
enum BranchWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    let isRandom = session.isWord("pattern", "random")
    try session.measure(
      Computation(
        workBytes: Int(pv_branch_bytes), prepare: { pv_branch_prepare($0, isRandom ? 1 : 0) }, operate: pv_branch))
  }
}
