import DeviceModel
import GuestMemory

/// Where a console's output goes. Called from any thread, a byte at a time; it must neither allocate nor block.
public protocol ConsoleSink: AnyObject, Sendable {
  /// Takes the next byte that the guest wrote.
  func byte(_ value: UInt8)
}

extension VirtioFeatures {
  /// VIRTIO_CONSOLE_F_EMERG_WRITE: bytes can be written through the configuration.
  public static let consoleEmergencyWrite = VirtioFeatures(rawValue: 1 << 2)
}

/// A virtio console (virtio 1.2, 5.3) of one port: what its transmit queue holds goes to a sink, on a worker that needs a
/// thread. Nobody types anything here, so that what the driver puts into the receive queue stays there.
public final class VirtioConsole: VirtioDevice {
  /// 3: a console.
  public let deviceID: UInt32 = 3
  /// The transport's, and the way out for a guest in trouble.
  public let features: VirtioFeatures = [.version1, .indirectDescriptors, .eventIndex, .consoleEmergencyWrite]
  /// The receive and the transmit queue (5.3.2).
  public let queueSizes: [UInt16]
  /// Columns, rows and ports, none of which was offered, and the register for emergencies (5.3.4).
  public let configuration = VirtioConfiguration([UInt8](repeating: 0, count: 12))
  /// The worker, which needs a thread.
  public let worker: ChainWorker
  private let sink: any ConsoleSink

  /// Bytes that one request writes at most, many times a line; what a driver puts behind them is dropped.
  public static let mostBytes = 1 << 16
  private static let transmitQueue = 1
  private static let emergencyWrite = 8

  /// A console that writes to `sink`, with queues of up to `queueSize` descriptors (a power of two from 4 to 1024).
  public init(sink: any ConsoleSink, queueSize: Int = 64) throws(EventFD.CreationError) {
    precondition((4...1024).contains(queueSize) && queueSize.nonzeroBitCount == 1, "a power of two from 4 to 1024")
    queueSizes = [UInt16](repeating: UInt16(queueSize), count: 2)
    self.sink = sink
    worker = try ChainWorker(
      queues: Self.transmitQueue..<Self.transmitQueue + 1, queueSize: queueSize, handler: ConsoleHandler(sink))
  }

  /// The worker's for both queues: the receive queue's rings wake it for nothing.
  public var doorbells: [EventFD] { [worker.doorbell, worker.doorbell] }
  /// The worker.
  public var threads: [any DeviceWorker] { [worker] }

  /// Hands the transmit queue to the worker, without waiting for it.
  public func activate(_ activation: VirtioActivation) { worker.give(activation) }

  /// Rings the worker's doorbell.
  public func notify(queue: Int) { worker.doorbell.signal() }

  /// Takes the queue back from the worker.
  public func stop(queue: Int) { worker.takeBack(queue: queue) }

  /// The lowest byte of what is written to the emergency register is printed, at any time (5.3.4); nothing else can be
  /// written.
  public func writeConfiguration(_ value: UInt64, at offset: Int, width: AccessWidth) {
    if offset == Self.emergencyWrite { sink.byte(UInt8(truncatingIfNeeded: value)) }
  }
}

/// Prints buffers.
private final class ConsoleHandler: ChainHandler {
  private let sink: any ConsoleSink
  private let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 8)

  init(_ sink: any ConsoleSink) { self.sink = sink }

  deinit { copy.deallocate() }

  func answer(_ chain: inout DescriptorChain, queue: Int, of served: ServedQueue) throws(VirtqueueError) -> UInt32? {
    guard chain.writable.isEmpty else { throw .wrongDirection }
    var rest = Int(min(chain.readableBytes, UInt64(VirtioConsole.mostBytes)))
    while rest > 0 {
      let count = min(rest, copy.count)
      // SAFETY: `count` is at most the length of the buffer, which belongs to this thread; the chain still has as much.
      let part = UnsafeMutableRawBufferPointer(rebasing: copy[..<count])
      guard try chain.takeReadable(into: part, from: served.memory) else { break }
      for byte in part { sink.byte(byte) }
      rest -= count
    }
    return 0
  }
}
