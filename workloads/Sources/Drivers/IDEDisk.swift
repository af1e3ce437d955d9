import GuestKernel

/// The master of the primary ATA channel at its legacy ports (ATA/ATAPI-6, T13 1410D): by DMA where its controller is a PIIX3,
/// the drive offers it and the caller allows it, otherwise by PIO, whose requests run to their end in `submit`. ATA without
/// queuing has a depth of one.
public final class IDEDisk: DiskDriver {
  private enum Port {
    static let data: UInt16 = 0x1F0
    static let error: UInt16 = 0x1F1
    static let count: UInt16 = 0x1F2
    static let lbaLow: UInt16 = 0x1F3
    static let lbaMiddle: UInt16 = 0x1F4
    static let lbaHigh: UInt16 = 0x1F5
    static let device: UInt16 = 0x1F6
    static let command: UInt16 = 0x1F7
    static let control: UInt16 = 0x3F6
  }
  private enum Status {
    static let busy: UInt8 = 0x80
    static let deviceFault: UInt8 = 0x20
    static let dataRequest: UInt8 = 0x08
    static let error: UInt8 = 0x01
  }
  private enum Command {
    static let readDMA: UInt8 = 0xC8
    static let readDMAExt: UInt8 = 0x25
    static let writeDMA: UInt8 = 0xCA
    static let writeDMAExt: UInt8 = 0x35
    static let setFeatures: UInt8 = 0xEF
    static let readMultiple: UInt8 = 0xC4
    static let readMultipleExt: UInt8 = 0x29
    static let writeMultiple: UInt8 = 0xC5
    static let writeMultipleExt: UInt8 = 0x39
    static let setMultiple: UInt8 = 0xC6
    static let flushCache: UInt8 = 0xE7
    static let identify: UInt8 = 0xEC
  }

  /// Medium size in 512-byte sectors.
  public let sectorCount: UInt64
  /// Requests that can be in flight.
  public let maximumDepth = 1
  /// Nil where transfers are by PIO.
  private let busMaster: IDEBusMaster?
  /// Sectors between two interrupts (SET MULTIPLE MODE).
  private let multiple: Int
  /// Nil where completion is polled (nIEN set).
  private let interrupt: Interrupt?
  private var seen: UInt64 = 0
  private var finished: Int?
  /// The slot whose DMA is going on.
  private var moving: Int?

  /// Finds a disk by IDENTIFY DEVICE; nil where the channel is empty or holds something else.
  public init?(polled: Bool, allowsDMA: Bool = true) {
    pv_out8(Port.control, 0x02)
    pv_out8(Port.device, 0xA0)
    // A floating bus reads back all ones; real registers hold what was written.
    pv_out8(Port.count, 0x55)
    pv_out8(Port.lbaLow, 0xAA)
    guard pv_in8(Port.count) == 0x55, pv_in8(Port.lbaLow) == 0xAA else { return nil }
    pv_out8(Port.command, Command.identify)
    var status = pv_in8(Port.command)
    guard status != 0, status != 0xFF else { return nil }
    while status & Status.busy != 0 { status = pv_in8(Port.command) }
    guard status & Status.error == 0, status & Status.dataRequest != 0 else { return nil }
    let page = DMAMemory(count: 512)
    pv_ins16(Port.data, page.address, 256)
    guard page.load(UInt16.self, at: 0) & 0x8000 == 0 else { return nil }
    let isLBA48 = page.load(UInt16.self, at: 2 * 83) & 0x0400 != 0
    sectorCount = isLBA48 ? page.load(UInt64.self, at: 200) : UInt64(page.load(UInt32.self, at: 120))
    let offersDMA = page.load(UInt16.self, at: 2 * 49) & 0x0100 != 0
    busMaster = offersDMA && allowsDMA ? IDEBusMaster() : nil
    let largest = Int(page.load(UInt16.self, at: 2 * 47) & 0xFF)
    multiple = largest > 0 ? min(largest, 16) : 1
    if polled {
      interrupt = nil
    } else {
      PIC.initialize()
      LocalAPIC.enable(acceptsPIC: true)
      interrupt = PIC.enable(line: 14)
      pv_out8(Port.control, 0)
    }
    _ = pv_in8(Port.command)
    seen = interrupt?.count ?? 0
    if largest > 0 {
      pv_out8(Port.count, UInt8(multiple))
      pv_out8(Port.command, Command.setMultiple)
      guard (try? settle("SET MULTIPLE MODE")) != nil else { return nil }
    }
    if busMaster != nil {
      pv_out8(Port.error, 0x03)  // features: set transfer mode
      pv_out8(Port.count, 0x22)  // multiword DMA mode 2, the PIIX3's fastest
      pv_out8(Port.command, Command.setFeatures)
      guard (try? settle("SET FEATURES")) != nil else { return nil }
    }
  }

  /// Starts a request in a free slot; see `DiskDriver`.
  public func submit(
    slot: Int, _ operation: DiskOperation, sector: UInt64, sectors: Int, address: UInt
  ) throws(DiskError) {
    switch operation {
    case .read where busMaster != nil, .write where busMaster != nil:
      return move(slot, operation, sector: sector, sectors: sectors, address: address)
    case .read: try read(sector: sector, sectors: sectors, address: address)
    case .write: try write(sector: sector, sectors: sectors, address: address)
    case .flush:
      pv_out8(Port.command, Command.flushCache)
      try settle("FLUSH CACHE")
    }
    finished = slot
  }

  /// A slot whose request has ended since the last call, or nil.
  public func poll() throws(DiskError) -> Int? {
    if let moving {
      guard try hasMoved() else { return nil }
      self.moving = nil
      return moving
    }
    defer { finished = nil }
    return finished
  }

  /// Returns when `poll` may have something to say.
  public func wait() throws(DiskError) {
    guard moving != nil else { return }
    if let interrupt { interrupt.wait(beyond: seen) } else { pv_pause() }
  }

  /// True where the identity says so and the controller has a bus master.
  public var usesDMA: Bool { busMaster != nil }

  // MARK: DMA

  private func move(_ slot: Int, _ operation: DiskOperation, sector: UInt64, sectors: Int, address: UInt) {
    guard let busMaster else { return }
    let isRead = operation == .read
    busMaster.prepare(address: address, count: sectors * 512)
    if isRead {
      start(sector: sector, sectors: sectors, Command.readDMA, Command.readDMAExt)
    } else {
      start(sector: sector, sectors: sectors, Command.writeDMA, Command.writeDMAExt)
    }
    moving = slot
    busMaster.start(isRead: isRead)
  }

  /// Whether the transfer is over: by the interrupt, or by the status where that is polled. Checks both sides' word for it.
  private func hasMoved() throws(DiskError) -> Bool {
    if let interrupt {
      guard interrupt.count != seen else { return false }
      seen = interrupt.count
    } else if pv_in8(Port.control) & (Status.busy | Status.dataRequest) != 0 {
      return false
    }
    let isIntact = busMaster?.stop() ?? false
    let status = pv_in8(Port.command)
    guard isIntact, status & (Status.busy | Status.dataRequest | Status.error | Status.deviceFault) == 0 else {
      throw failure("DMA", status)
    }
    return true
  }

  // MARK: PIO

  private func read(sector: UInt64, sectors: Int, address: UInt) throws(DiskError) {
    start(sector: sector, sectors: sectors, Command.readMultiple, Command.readMultipleExt)
    var done = 0
    while done < sectors {
      let block = min(multiple, sectors - done)
      try settle("READ MULTIPLE", wantsData: true)
      pv_ins16(Port.data, address + UInt(done * 512), UInt64(block * 256))
      done += block
    }
  }

  private func write(sector: UInt64, sectors: Int, address: UInt) throws(DiskError) {
    start(sector: sector, sectors: sectors, Command.writeMultiple, Command.writeMultipleExt)
    var status = pv_in8(Port.control)  // the first block is asked for without an interrupt
    while status & Status.busy != 0 { status = pv_in8(Port.control) }
    var done = 0
    while done < sectors {
      guard status & Status.dataRequest != 0 else { throw failure("WRITE MULTIPLE", status) }
      let block = min(multiple, sectors - done)
      pv_outs16(Port.data, address + UInt(done * 512), UInt64(block * 256))
      done += block
      status = try settle("WRITE MULTIPLE", wantsData: done < sectors)
    }
  }

  /// Writes the task file, 28-bit where it reaches far enough.
  private func start(sector: UInt64, sectors: Int, _ command: UInt8, _ extended: UInt8) {
    let isExtended = sector + UInt64(sectors) > 1 << 28 || sectors > 256
    if isExtended {
      pv_out8(Port.count, UInt8(truncatingIfNeeded: sectors >> 8))
      pv_out8(Port.lbaLow, UInt8(truncatingIfNeeded: sector >> 24))
      pv_out8(Port.lbaMiddle, UInt8(truncatingIfNeeded: sector >> 32))
      pv_out8(Port.lbaHigh, UInt8(truncatingIfNeeded: sector >> 40))
    }
    pv_out8(Port.count, UInt8(truncatingIfNeeded: sectors))
    pv_out8(Port.lbaLow, UInt8(truncatingIfNeeded: sector))
    pv_out8(Port.lbaMiddle, UInt8(truncatingIfNeeded: sector >> 8))
    pv_out8(Port.lbaHigh, UInt8(truncatingIfNeeded: sector >> 16))
    pv_out8(Port.device, 0xE0 | (isExtended ? 0 : UInt8(truncatingIfNeeded: sector >> 24) & 0x0F))
    pv_out8(Port.command, isExtended ? extended : command)
  }

  /// Waits for the device's interrupt (or polls BSY) and reads the status, which acknowledges it.
  @discardableResult
  private func settle(_ what: StaticString, wantsData: Bool = false) throws(DiskError) -> UInt8 {
    if let interrupt {
      while interrupt.count == seen { interrupt.wait(beyond: seen) }
      seen = interrupt.count
    }
    var status = pv_in8(Port.command)
    while status & Status.busy != 0 { status = pv_in8(Port.command) }
    guard status & (Status.error | Status.deviceFault) == 0, !wantsData || status & Status.dataRequest != 0 else {
      throw failure(what, status)
    }
    return status
  }

  private func failure(_ what: StaticString, _ status: UInt8) -> DiskError {
    DiskError(what, status: UInt32(pv_in8(Port.error)) << 8 | UInt32(status))
  }
}
