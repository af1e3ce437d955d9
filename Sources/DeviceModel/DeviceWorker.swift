/// A device's thread: whoever builds the machine calls `run` once on a thread of its own.
public protocol DeviceWorker: AnyObject, Sendable {
  /// Works until `stop`. An error is the host's: the guest can only be ended then.
  func run() throws
  /// Ends `run`; from any thread.
  func stop()
}
