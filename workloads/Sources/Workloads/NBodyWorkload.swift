import Kernels

/// nbody: orbits of five bodies in double precision, one thousand steps an operation, without vectors.
///
/// Parameters: vcpus, answer.
enum NBodyWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    // The energy after 1,000 steps, as the Computer Language Benchmarks Game publishes it: -0.169087605.
    try session.measure(Computation(workBytes: Int(pv_nbody_bytes), prepare: { _ in 169_087_605 }, operate: pv_nbody))
  }
}
