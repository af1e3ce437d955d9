import GuestKernel
import PVWire

/// What every measured workload is: a loop that is run twice, once to warm up and once in the window.
protocol MeasuredLoop: AnyObject {
  /// Operations since the measurements were last forgotten.
  var operations: UInt64 { get }
  /// Bytes that one operation moves.
  var bytesPerOperation: UInt64 { get }
  /// Latency of each operation since the measurements were last forgotten.
  var latency: LatencyHistogram { get }
  /// Works for this long, at least one operation, and waits for what is in flight.
  func run(nanoseconds: UInt64) throws(WorkloadFailure)
  /// Forgets what the warm-up measured.
  func forgetMeasurements()
  /// The cost of one empty measurement in ticks, where it is not that of any loop.
  func emptyMeasurement() -> UInt64?
  /// After the window: whatever must be settled before results are sent.
  func settle() throws(WorkloadFailure)
}

extension MeasuredLoop {
  func emptyMeasurement() -> UInt64? { nil }
  func settle() throws(WorkloadFailure) {}
}

extension Session {
  /// Runs `loop` through warm-up and window, and sends what it measured.
  func measure(_ loop: some MeasuredLoop) throws(WorkloadFailure) {
    ring(.ready)
    try loop.run(nanoseconds: orders.warmupNanoseconds)
    loop.forgetMeasurements()
    let empty = loop.emptyMeasurement() ?? emptyMeasurement()

    ring(.windowOpen)
    let start = pv_tsc()
    try loop.run(nanoseconds: orders.windowNanoseconds)
    let end = pv_tsc()
    ring(.windowClose)

    try loop.settle()
    send(
      .window(
        operations: loop.operations, bytes: loop.operations * loop.bytesPerOperation, startTSC: start, endTSC: end,
        emptyLoopTicks: empty))
    send(histogram: loop.latency, name: "latency")
  }
}
