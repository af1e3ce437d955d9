import Drivers
import GuestKernel
import PVWire

/// entropy: random bytes from the machine's entropy device, one request after the other.
///
/// Parameters: block (bytes a request), completion (interrupt, polled). Every block is looked at: it holds more than one
/// value of a byte, and differs from the one before it. Latency is that of the request alone.
enum EntropyWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    guard
      let device = VirtioEntropy(
        polled: session.isWord("completion", "polled"), firstSlot: UInt(MemoryMap.virtioMMIO),
        stride: UInt(MemoryMap.virtioMMIOStride), slots: MemoryMap.virtioMMIOSlots,
        interruptInput: session.virtioInterruptInput)
    else { throw .skipped(Text.bytes("no entropy device was found (neither in virtio-mmio slots nor on PCI)")) }
    session.send(.log(Text.bytes("entropy: virtio-rng")))
    try session.measure(EntropyLoop(session, device))
  }
}

private final class EntropyLoop: MeasuredLoop {
  let bytesPerOperation: UInt64
  private(set) var operations: UInt64 = 0
  private(set) var latency = LatencyHistogram()
  private let session: Session
  private let device: VirtioEntropy
  private let block: Int
  /// Two blocks, filled in turn.
  private let buffers: DMAMemory
  private var current = 0

  init(_ session: Session, _ device: VirtioEntropy) throws(WorkloadFailure) {
    let bytes = try session.number("block")
    // Shorter ones may well be equal by chance.
    guard bytes >= 16, bytes <= 65536 else { throw .failed(Text.bytes("block: expected 16 to 65536 bytes")) }
    bytesPerOperation = bytes
    block = Int(bytes)
    buffers = DMAMemory(count: 2 * block)
    self.session = session
    self.device = device
  }

  func forgetMeasurements() {
    operations = 0
    latency = LatencyHistogram()
  }

  func run(nanoseconds: UInt64) throws(WorkloadFailure) {
    let deadline = pv_tsc() &+ session.ticks(nanoseconds: nanoseconds)
    repeat {
      current = block - current
      let submitted = pv_tsc()
      do throws(VirtioEntropy.Failure) { try device.fill(address: buffers.address + UInt(current), count: block) } catch
      {
        throw .failed(Text.bytes("virtio-rng: ", error.what))
      }
      latency.record(session.nanoseconds(pv_tsc() &- submitted))
      operations += 1
      session.beat()
      guard looksRandom else { throw .failed(Text.bytes("the entropy device gives bytes that are not random")) }
    } while pv_tsc() < deadline
  }

  /// Not a single value over and over, and not what the request before it brought.
  private var looksRandom: Bool {
    let first = buffers.load(UInt8.self, at: current)
    var isVaried = false
    var isNew = false
    for index in 0..<block {
      let byte = buffers.load(UInt8.self, at: current + index)
      if byte != first { isVaried = true }
      if byte != buffers.load(UInt8.self, at: block - current + index) { isNew = true }
      if isVaried, isNew { return true }
    }
    return false
  }
}
