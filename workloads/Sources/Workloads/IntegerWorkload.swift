import Kernels

/// integer: lists, matrices, a state machine and CRCs, in about thirty thousand instructions an operation.
///
/// Parameters: level (ring3, ring0: the same object code, called by the kernel), vcpus, answer.
enum IntegerWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    try session.measure(
      Computation(
        workBytes: Int(pv_integer_bytes),
        prepare: {
          pv_integer_prepare($0)
          return 0x45AD_D634_3725_5C6B  // of an implementation of its own in the tests
        },
        operate: pv_integer, isPrivileged: session.isWord("level", "ring0")))
  }
}
