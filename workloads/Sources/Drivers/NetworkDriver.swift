import GuestKernel

/// A frame in a driver's receive buffer, valid until it is released.
public struct ReceivedFrame {
  /// Physical address of its first byte (the Ethernet header).
  public let address: UInt
  /// Length in bytes, without FCS.
  public let length: Int
}

/// A network driver's failure, with the device's own status.
public struct NetworkError: Error {
  /// What the driver was doing.
  public let what: StaticString
  /// The device's status.
  public let status: UInt32

  /// An error; see the properties.
  public init(_ what: StaticString, status: UInt32) {
    self.what = what
    self.status = status
  }
}

/// A network card as the workloads see it. All buffers are the driver's own; nothing allocates after start-up.
public protocol NetworkDriver: AnyObject {
  /// `virtio-net` or `e1000`.
  var name: StaticString { get }
  /// Its six-byte address.
  var address: [UInt8] { get }
  /// Longest frame in bytes that can be sent, without FCS.
  var maximumFrame: Int { get }
  /// A transmit buffer to be filled with the next frame; nil where all are in use (call `reclaim`, or `wait`).
  func transmitBuffer() -> UInt?
  /// Queues the frame of `length` bytes in the buffer that `transmitBuffer` gave last; the device is told by `kick`.
  func transmit(length: Int) throws(NetworkError)
  /// As `transmit`, but the frame is a UDP datagram over IPv4 without options that the device cuts into such with `segment`
  /// bytes of payload, and whose checksum field has the sum of the pseudo-header only.
  func transmit(length: Int, segment: Int) throws(NetworkError)
  /// Tells the device of everything that was queued.
  func kick()
  /// Takes back buffers of frames that have left; how many.
  func reclaim() throws(NetworkError) -> Int
  /// The next received frame, or nil.
  func receive() throws(NetworkError) -> ReceivedFrame?
  /// Gives the last received frame's buffer back to the device.
  func release()
  /// Returns when `receive` or `reclaim` may have something: sleeps where completion is by interrupt, spins otherwise.
  func wait() throws(NetworkError)
  /// As `wait`, but stays awake (interrupts come nevertheless), and returns when the TSC reaches `deadline` at the latest.
  func wait(until deadline: UInt64) throws(NetworkError)
  /// Stops the device: afterwards it sends and receives nothing, and `receive` gives what had come before.
  func stop()
}

extension NetworkDriver {
  /// Refuses: most cards cannot.
  public func transmit(length: Int, segment: Int) throws(NetworkError) {
    throw NetworkError("no segmentation offload", status: UInt32(truncatingIfNeeded: length))
  }

  /// Only lets some time pass: the caller looks for itself.
  public func wait(until deadline: UInt64) throws(NetworkError) { pv_pause() }

  /// Does nothing.
  public func stop() {}
}
