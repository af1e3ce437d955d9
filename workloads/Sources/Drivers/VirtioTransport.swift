import GuestKernel

/// Device status bits (virtio 1.2, 2.1).
enum VirtioStatus {
  static let acknowledge: UInt32 = 1
  static let driver: UInt32 = 2
  static let driverOK: UInt32 = 4
  static let featuresOK: UInt32 = 8
  static let needsReset: UInt32 = 64
}

/// How a queue's device is told of new buffers.
enum VirtioDoorbell {
  /// One address for all queues: the 32-bit word names the queue (virtio 1.2, 4.2.2).
  case shared(UInt, index: UInt32)
  /// The queue's own address; the 16-bit word names it all the same (4.1.5.2).
  case own(UInt, index: UInt16)
}

/// What device drivers need of a transport.
protocol VirtioTransport: AnyObject {
  /// The device status.
  var status: UInt32 { get set }
  /// Half 0 or 1 of the features that the device offers.
  func offeredFeatures(half: UInt32) -> UInt32
  /// Half 0 or 1 of the features that the driver wants.
  func acceptFeatures(_ features: UInt32, half: UInt32)
  /// Announces a queue's rings and switches it on, its interrupt on `vector` (nil: none); nil where there is no such queue.
  func enable(queue index: UInt32, wantedSize: Int, vector: UInt8?) -> SplitQueue?
  /// 32 bits of the device's configuration space.
  func configuration32(at offset: UInt) -> UInt32
  /// Writes 32 bits of the device's configuration space.
  func setConfiguration32(_ value: UInt32, at offset: UInt)
  /// To be called after a queue's interrupt; false where the device needs a reset.
  func acknowledgeInterrupt() -> Bool
}

extension VirtioTransport {
  func configuration64(at offset: UInt) -> UInt64 {
    UInt64(configuration32(at: offset)) | UInt64(configuration32(at: offset + 4)) << 32
  }

  /// Resets the device and agrees on features (3.1.1); returns those that both sides have, nil where the device refuses.
  func negotiate(_ wanted: UInt64) -> UInt64? {
    status = 0
    while status != 0 { pv_pause() }
    status = VirtioStatus.acknowledge | VirtioStatus.driver
    let offered = UInt64(offeredFeatures(half: 0)) | UInt64(offeredFeatures(half: 1)) << 32
    let agreed = offered & wanted
    acceptFeatures(UInt32(truncatingIfNeeded: agreed), half: 0)
    acceptFeatures(UInt32(truncatingIfNeeded: agreed >> 32), half: 1)
    let wantedStatus = VirtioStatus.acknowledge | VirtioStatus.driver | VirtioStatus.featuresOK
    status = wantedStatus
    return status == wantedStatus ? agreed : nil
  }

  /// Tells the device that the driver is ready.
  func start() { status |= VirtioStatus.driverOK }
}
