import Kernels

/// stream: STREAM's copy, scale, add and triad. An operation is a pass over the arrays, or as many as make a quarter of a MiB;
/// bytes are those that the loop reads and writes, as STREAM counts them.
///
/// Parameters: operation (copy, scale, add, triad), size (of all three arrays), vcpus, answer.
enum StreamWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    let size = try session.workingSet()
    let operation: Int
    switch true {
    case session.isWord("operation", "copy"): operation = pv_stream_copy
    case session.isWord("operation", "scale"): operation = pv_stream_scale
    case session.isWord("operation", "add"): operation = pv_stream_add
    case session.isWord("operation", "triad"): operation = pv_stream_triad
    default: throw .failed(Text.bytes("operation: expected copy, scale, add or triad"))
    }
    let passes = max(1, (256 << 10) / size)
    let arrays = operation == pv_stream_copy || operation == pv_stream_scale ? 2 : 3
    let elements = Int(pv_stream_elements(UInt64(size)))
    try session.measure(
      Computation(
        bytesPerOperation: UInt64(8 * arrays * elements * passes), workBytes: size,
        prepare: {
          pv_stream_prepare($0, UInt64(size), UInt64(operation), UInt64(passes))
          return 0
        },
        operate: pv_stream, isInArena: true, check: pv_stream_check))
  }
}
