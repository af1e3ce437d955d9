import Kernels
import PVWire

/// chase: 4,096 loads an operation, each of the address that the one before has found, through all lines of the working set in
/// random order.
///
/// Parameters: size (of the working set), vcpus, answer.
enum ChaseWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    let size = try session.workingSet()
    let seed = session.orders.seed
    try session.measure(
      Computation(
        workBytes: size,
        prepare: {
          pv_chase_prepare($0, UInt64(size), seed)
          return 0
        },
        operate: pv_chase, isInArena: true))
  }
}
