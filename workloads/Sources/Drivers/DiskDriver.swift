/// What a disk driver is asked to do.
public enum DiskOperation {
  case read
  case write
  case flush
}

/// A request that failed, with the device's own status.
public struct DiskError: Error {
  /// What the driver was doing.
  public let what: StaticString
  /// ATA: error register above status; virtio: the status byte.
  public let status: UInt32

  /// An error; see the properties.
  public init(_ what: StaticString, status: UInt32) {
    self.what = what
    self.status = status
  }
}

/// A disk as the workloads see it: slots into which requests are put and out of which they come when they are done.
public protocol DiskDriver: AnyObject {
  /// Medium size in 512-byte sectors.
  var sectorCount: UInt64 { get }
  /// Requests that can be in flight.
  var maximumDepth: Int { get }
  /// Starts a request in a free slot. `address` is the physical address of `sectors` × 512 bytes; a flush has none.
  func submit(slot: Int, _ operation: DiskOperation, sector: UInt64, sectors: Int, address: UInt) throws(DiskError)
  /// A slot whose request has ended since the last call, or nil.
  func poll() throws(DiskError) -> Int?
  /// Returns when `poll` may have something to say: sleeps where completion is by interrupt, spins otherwise.
  func wait() throws(DiskError)
}
