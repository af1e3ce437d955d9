import GuestKernel

/// virtio-balloon on either transport (virtio 1.2, 5.5): one request at a time, completion by interrupt or by polling the used
/// rings.
public final class VirtioBalloon {
  private enum Feature {
    static let statistics: UInt64 = 1 << 1
    static let pageReporting: UInt64 = 1 << 5
    static let eventIndex: UInt64 = 1 << 29
    static let version1: UInt64 = 1 << 32
    static let needed = eventIndex | version1
  }
  /// Numbers of queues (5.5.2).
  private enum Queue {
    static let inflate: UInt32 = 0
    static let deflate: UInt32 = 1
    static let statistics: UInt32 = 2
    static let reports: UInt32 = 4
  }
  private static let vector: UInt8 = 0x43
  private static let actual: UInt = 4
  private static let pageSize: UInt = 4096
  /// Pages of one request.
  public static let mostPages = 1024

  /// Why a request did not end well.
  public struct Failure: Error {
    /// What the driver was doing.
    public let what: StaticString
  }

  /// A queue and the end of its requests.
  private struct Channel {
    let queue: SplitQueue
    var completion: VirtioCompletion

    init?(_ index: UInt32, _ transport: any VirtioTransport, vector: UInt8?) {
      guard let queue = transport.enable(queue: index, wantedSize: 4, vector: vector) else { return nil }
      self.queue = queue
      completion = VirtioCompletion(queue)
    }

    /// Publishes descriptor 0; returns when the device has used it.
    mutating func request(_ transport: any VirtioTransport) throws(Failure) {
      if queue.publish(head: 0) { queue.kick() }
      guard let element = completion.wait(for: queue, on: transport) else { throw Failure(what: "needs reset") }
      guard element.head == 0 else { throw Failure(what: "used ring") }
    }
  }

  private let transport: any VirtioTransport
  private var inflation: Channel
  private var deflation: Channel
  private let statistics: SplitQueue?
  private var reports: Channel?
  private let numbers = DMAMemory(count: 4 * mostPages)
  private let values = DMAMemory(count: 10)

  /// Finds and starts the first virtio-balloon device, in the virtio-mmio slots or on the PCI bus; nil where there is none or
  /// it does not agree on features.
  public init?(polled: Bool, firstSlot: UInt, stride: UInt, slots: Int, interruptInput: (Int, UInt) -> UInt32) {
    let vector = polled ? nil : Self.vector
    guard
      let (transport, features) = VirtioSearch.first(
        deviceID: 5, needed: Feature.needed, wanted: Feature.statistics | Feature.pageReporting, firstSlot: firstSlot,
        stride: stride, slots: slots, interruptInput: interruptInput),
      let inflation = Channel(Queue.inflate, transport, vector: vector),
      let deflation = Channel(Queue.deflate, transport, vector: vector)
    else { return nil }
    self.transport = transport
    self.inflation = inflation
    self.deflation = deflation
    statistics =
      features & Feature.statistics == 0
      ? nil : transport.enable(queue: Queue.statistics, wantedSize: 4, vector: nil)
    reports = features & Feature.pageReporting == 0 ? nil : Channel(Queue.reports, transport, vector: vector)
    statistics?.disarmInterrupt()
    transport.start()
  }

  /// True where free pages can be reported.
  public var canReport: Bool { reports != nil }

  /// Puts pages from `address` on into the balloon. Nothing may touch them before they are taken out.
  public func inflate(address: UInt, pages: Int) throws(Failure) {
    name(address, pages)
    inflation.queue.setBuffer(0, address: numbers.address, count: 4 * pages, isWritable: false)
    try inflation.request(transport)
    transport.setConfiguration32(UInt32(pages), at: Self.actual)
  }

  /// Takes them all out of it again.
  public func deflate(address: UInt, pages: Int) throws(Failure) {
    name(address, pages)
    deflation.queue.setBuffer(0, address: numbers.address, count: 4 * pages, isWritable: false)
    try deflation.request(transport)
    transport.setConfiguration32(0, at: Self.actual)
  }

  /// Says that nobody needs what is in pages from `address` on; they can be used when this returns.
  public func report(address: UInt, pages: Int) throws(Failure) {
    guard reports != nil else { throw Failure(what: "cannot report") }
    reports?.queue.setBuffer(0, address: address, count: pages * Int(Self.pageSize), isWritable: true)
    try reports?.request(transport)
  }

  /// Tells the device how many bytes of memory are free. It keeps the buffer until it wants to know again, which this driver
  /// does not wait for.
  public func giveStatistics(free: UInt64) {
    guard let statistics else { return }
    values.store(UInt16(4), at: 0)  // VIRTIO_BALLOON_S_MEMFREE
    values.store(free, at: 2)
    statistics.setBuffer(0, address: values.address, count: 10, isWritable: false)
    if statistics.publish(head: 0) { statistics.kick() }
  }

  /// Lists the numbers of pages.
  private func name(_ address: UInt, _ pages: Int) {
    for page in 0..<pages { numbers.store(UInt32(address / Self.pageSize) + UInt32(page), at: 4 * page) }
  }
}
