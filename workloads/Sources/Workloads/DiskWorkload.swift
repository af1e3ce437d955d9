import Drivers
import GuestKernel
import PVWire

/// disk: a closed loop of reads, writes, or writes each followed by a flush, at a fixed block size and queue depth.
///
/// Parameters: operation (read, write, flush), access (random, sequential), block (bytes), depth, completion (interrupt,
/// polled), sectors (of the medium that are used), imageseed. Latency runs from the submission to the moment at which the
/// driver hands the request back; filling and verifying blocks is outside of it, but inside the throughput.
enum DiskWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    let disk = try findDisk(session)
    let loop = try DiskLoop(session, disk)
    session.ring(.ready)
    try loop.run(nanoseconds: session.orders.warmupNanoseconds)
    loop.forgetMeasurements()
    let empty = session.emptyMeasurement()

    session.ring(.windowOpen)
    let start = pv_tsc()
    try loop.run(nanoseconds: session.orders.windowNanoseconds)
    let end = pv_tsc()
    session.ring(.windowClose)

    session.send(
      .window(
        operations: loop.operations, bytes: loop.operations * UInt64(loop.blockSize), startTSC: start, endTSC: end,
        emptyLoopTicks: empty))
    session.send(.slots(loop.slots.map { $0.issued }))
    session.send(histogram: loop.latency, name: "latency")
  }

  private static func findDisk(_ session: Session) throws(WorkloadFailure) -> any DiskDriver {
    let polled = session.isWord("completion", "polled")
    if let disk = VirtioDisk(
      polled: polled, firstSlot: UInt(MemoryMap.virtioMMIO), stride: UInt(MemoryMap.virtioMMIOStride),
      slots: MemoryMap.virtioMMIOSlots, interruptInput: session.virtioInterruptInput)
    {
      session.send(.log(Text.bytes("disk: virtio-blk, sectors ") + Text.decimal(disk.sectorCount)))
      return disk
    }
    if let disk = IDEDisk(polled: polled) {
      session.send(.log(Text.bytes("disk: ide, sectors ") + Text.decimal(disk.sectorCount)))
      return disk
    }
    throw .skipped(Text.bytes("no disk was found (virtio-mmio slots and the primary ATA channel are empty)"))
  }
}

/// The loop itself. Nothing in it allocates.
private final class DiskLoop {
  struct Slot {
    var issued: UInt64 = 0
    var submitted: UInt64 = 0
    var sector: UInt64 = 0
    var isFlushing = false
  }

  let blockSize: Int
  private(set) var slots: [Slot]
  private(set) var operations: UInt64 = 0
  private(set) var latency = LatencyHistogram()
  private let session: Session
  private let disk: any DiskDriver
  private let isWriting: Bool
  private let flushes: Bool
  private let pattern: AccessPattern
  private let imageSeed: UInt64
  private let sectorsPerBlock: Int
  private let buffers: DMAMemory

  init(_ session: Session, _ disk: any DiskDriver) throws(WorkloadFailure) {
    let block = try session.number("block")
    let depth = try session.number("depth")
    let sectors = try session.number("sectors")
    imageSeed = try session.number("imageseed")
    guard block >= 512, block <= 1 << 20, block % 512 == 0, depth >= 1, sectors <= disk.sectorCount,
      sectors * 512 / block >= depth
    else { throw .failed(Text.bytes("block, depth or sectors do not fit the disk")) }
    guard depth <= UInt64(disk.maximumDepth) else {
      throw .skipped(
        Text.bytes("the disk has queue depth ") + Text.decimal(UInt64(disk.maximumDepth)) + Text.bytes(" only"))
    }
    self.session = session
    self.disk = disk
    flushes = session.isWord("operation", "flush")
    isWriting = flushes || session.isWord("operation", "write")
    blockSize = Int(block)
    sectorsPerBlock = Int(block / 512)
    pattern = AccessPattern(
      isRandom: session.isWord("access", "random"), seed: session.orders.seed, depth: depth,
      blocks: sectors * 512 / block)
    slots = [Slot](repeating: Slot(), count: Int(depth))
    buffers = DMAMemory(count: Int(block * depth))
  }

  func forgetMeasurements() {
    operations = 0
    latency = LatencyHistogram()
  }

  /// Keeps every slot busy for this long (each does at least one operation), then waits for the last.
  func run(nanoseconds: UInt64) throws(WorkloadFailure) {
    do throws(DiskError) {
      let deadline = pv_tsc() &+ session.ticks(nanoseconds: nanoseconds)
      var inFlight = slots.count
      for slot in 0..<slots.count { try start(slot) }
      while inFlight > 0 {
        guard let slot = try disk.poll() else {
          try disk.wait()
          continue
        }
        let now = pv_tsc()
        if flushes, !slots[slot].isFlushing {
          slots[slot].isFlushing = true
          try disk.submit(slot: slot, .flush, sector: 0, sectors: 0, address: 0)
          continue
        }
        latency.record(session.nanoseconds(now &- slots[slot].submitted))
        operations += 1
        session.beat()
        guard isWriting || isIntact(slot) else { return try mismatch(slot) }
        if pv_tsc() < deadline { try start(slot) } else { inFlight -= 1 }
      }
    } catch {
      if error.status == DiskLoop.mismatchStatus { throw .failed(mismatchText) }
      throw .failed(
        Text.bytes("disk error: ", error.what) + Text.bytes(", status ") + Text.hexadecimal(UInt64(error.status)))
    }
  }

  private func start(_ slot: Int) throws(DiskError) {
    let index = slots[slot].issued
    slots[slot].issued += 1
    let sector = pattern.block(slot: UInt64(slot), index: index) * UInt64(sectorsPerBlock)
    let generation = pattern.generation(slot: UInt64(slot), index: index)
    for number in 0..<sectorsPerBlock {
      let words = words(slot, number)
      if isWriting {
        SectorPattern.fill(words, seed: imageSeed, sector: sector + UInt64(number), generation: generation)
      } else {
        words[1] = UInt64.max  // what an earlier read left must not pass for this one's data
      }
    }
    slots[slot].sector = sector
    slots[slot].isFlushing = false
    slots[slot].submitted = pv_tsc()
    try disk.submit(
      slot: slot, isWriting ? .write : .read, sector: sector, sectors: sectorsPerBlock, address: address(slot))
  }

  /// Every sector of the block is the seeded image's.
  private func isIntact(_ slot: Int) -> Bool {
    for number in 0..<sectorsPerBlock {
      let sector = slots[slot].sector + UInt64(number)
      guard SectorPattern.generation(of: words(slot, number), seed: imageSeed, sector: sector) == 0 else {
        return false
      }
    }
    return true
  }

  // A wrong read leaves the loop as an error with a status that no device has, and takes its text along.
  private static let mismatchStatus = UInt32.max
  private var mismatchText: [UInt8] = []

  private func mismatch(_ slot: Int) throws(DiskError) {
    mismatchText =
      Text.bytes("read verification failed: block at sector ") + Text.decimal(slots[slot].sector)
      + Text.bytes(" does not hold what the image holds")
    throw DiskError("verification", status: Self.mismatchStatus)
  }

  private func address(_ slot: Int) -> UInt { buffers.address + UInt(slot * blockSize) }

  private func words(_ slot: Int, _ sector: Int) -> UnsafeMutablePointer<UInt64> {
    // SAFETY: inside `buffers`, which holds `depth` blocks of whole sectors.
    UnsafeMutablePointer(bitPattern: address(slot) + UInt(sector * 512)).unsafelyUnwrapped
  }
}
