import Kernels
import PVWire

/// mix: 4,096 independent accesses an operation to words in different lines.
///
/// Parameters: access (sequential, random), readpercent (the others also write), size (of the working set), vcpus, answer.
enum MixWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    let size = try session.workingSet()
    let percent = try session.number("readpercent")
    guard percent <= 100 else { throw .failed(Text.bytes("readpercent: expected 0 to 100")) }
    let isRandom = session.isWord("access", "random")
    let seed = session.orders.seed
    try session.measure(
      Computation(
        workBytes: size,
        prepare: {
          pv_mix_prepare($0, UInt64(size), seed, isRandom ? 1 : 0, percent)
          return 0
        },
        operate: pv_mix, isInArena: true, check: pv_mix_check))
  }
}
