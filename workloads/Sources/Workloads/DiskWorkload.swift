import Drivers
import GuestKernel
import PVWire

/// disk: a closed loop of reads, writes, a mix of both, or writes each followed by a flush, at a fixed block size and queue
/// depth.
///
/// Parameters: operation (read, write, mixed, flush), readpercent (of mixed), access (random, sequential), block (bytes),
/// depth, completion (interrupt, polled), transfer (pio: no DMA, though the controller has it), verify (no: the medium holds
/// nothing, so reads are taken as they come), sectors (of the medium that are used), imageseed. Latency runs from the
/// submission to the moment at which the driver hands the request back; filling and verifying blocks is outside of it, but
/// inside the throughput.
enum DiskWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    let disk = try findDisk(session)
    let loop = try DiskLoop(session, disk)
    try session.measure(loop)
    session.send(.slots(loop.slots.map { $0.issued }))
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
    if let disk = IDEDisk(polled: polled, allowsDMA: !session.isWord("transfer", "pio")) {
      session.send(
        .log(
          Text.bytes("disk: ide, ", disk.usesDMA ? "dma" : "pio") + Text.bytes(", sectors ")
            + Text.decimal(disk.sectorCount)))
      return disk
    }
    throw .skipped(Text.bytes("no disk was found (virtio-mmio slots and the primary ATA channel are empty)"))
  }
}

/// The loop itself. Nothing in it allocates.
private final class DiskLoop: MeasuredLoop {
  struct Slot {
    var issued: UInt64 = 0
    var submitted: UInt64 = 0
    var sector: UInt64 = 0
    /// What a read must find; nil where a write is in flight, or nobody looks.
    var expected: UInt64?
    var isFlushing = false
  }

  let blockSize: Int
  var bytesPerOperation: UInt64 { UInt64(blockSize) }
  private(set) var slots: [Slot]
  private(set) var operations: UInt64 = 0
  private(set) var latency = LatencyHistogram()
  private let session: Session
  private let disk: any DiskDriver
  private let flushes: Bool
  private let verifies: Bool
  private let pattern: AccessPattern
  private let imageSeed: UInt64
  private let sectorsPerBlock: Int
  private let buffers: DMAMemory
  /// The generation of every block, where reads and writes are mixed: a slot knows its own blocks' history. Empty elsewhere.
  private var generations: [UInt64]

  init(_ session: Session, _ disk: any DiskDriver) throws(WorkloadFailure) {
    let block = try session.number("block")
    let depth = try session.number("depth")
    let sectors = try session.number("sectors")
    imageSeed = try session.number("imageseed")
    guard block >= 512, block <= 1 << 20, block % 512 == 0, depth >= 1, sectors <= disk.sectorCount,
      sectors * 512 / block >= depth
    else { throw .failed(Text.bytes("block, depth or sectors do not fit the disk")) }
    guard depth <= MemoryMap.diskBuffers / block else {
      throw .skipped(Text.bytes("the guest's buffers are too small"))
    }
    guard depth <= UInt64(disk.maximumDepth) else {
      throw .skipped(
        Text.bytes("the disk has queue depth ") + Text.decimal(UInt64(disk.maximumDepth)) + Text.bytes(" only"))
    }
    self.session = session
    self.disk = disk
    flushes = session.isWord("operation", "flush")
    verifies = !session.isWord("verify", "no")
    let isMixed = session.isWord("operation", "mixed")
    let readPercent = isMixed ? try session.number("readpercent") : session.isWord("operation", "read") ? 100 : 0
    blockSize = Int(block)
    sectorsPerBlock = Int(block / 512)
    pattern = AccessPattern(
      isRandom: session.isWord("access", "random"), seed: session.orders.seed, depth: depth,
      blocks: sectors * 512 / block, readPercent: readPercent)
    generations = isMixed && verifies ? [UInt64](repeating: 0, count: Int(sectors * 512 / block)) : []
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
        guard isIntact(slot) else { return try mismatch(slot) }
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
    let block = pattern.block(slot: UInt64(slot), index: index)
    let isWrite = pattern.isWrite(slot: UInt64(slot), index: index)
    slots[slot].sector = block * UInt64(sectorsPerBlock)
    slots[slot].expected = nil
    slots[slot].isFlushing = false
    if isWrite {
      fill(slot, block: Int(block), generation: pattern.generation(slot: UInt64(slot), index: index))
    } else if verifies {
      slots[slot].expected = generations.isEmpty ? 0 : generations[Int(block)]
      // What an earlier request left must not pass for this one's data.
      for number in 0..<sectorsPerBlock { words(slot, number)[1] = UInt64.max }
    }
    slots[slot].submitted = pv_tsc()
    try disk.submit(
      slot: slot, isWrite ? .write : .read, sector: slots[slot].sector, sectors: sectorsPerBlock, address: address(slot)
    )
  }

  /// Prepares what a write writes, and remembers it where later reads ask for it. Without anybody to verify it, what the
  /// buffer happens to hold will do.
  private func fill(_ slot: Int, block: Int, generation: UInt64) {
    guard verifies else { return }
    for number in 0..<sectorsPerBlock {
      let sector = slots[slot].sector + UInt64(number)
      SectorPattern.fill(words(slot, number), seed: imageSeed, sector: sector, generation: generation)
    }
    if !generations.isEmpty { generations[block] = generation }
  }

  /// Every sector of a block that was read is of the generation that it must be of.
  private func isIntact(_ slot: Int) -> Bool {
    guard let expected = slots[slot].expected else { return true }
    for number in 0..<sectorsPerBlock {
      let sector = slots[slot].sector + UInt64(number)
      guard SectorPattern.generation(of: words(slot, number), seed: imageSeed, sector: sector) == expected else {
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
