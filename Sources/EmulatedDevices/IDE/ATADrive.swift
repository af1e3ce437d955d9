import Backends

/// An ATA hard disk: commands, PIO and DMA protocols and settings (ATA/ATAPI-6, T13/1410D). It owns the task file and
/// answers to a channel; what it wants to say is in `status`, `error` and `interruptPending`.
///
/// A decision: storage is accessed synchronously, in the thread of the vCPU that wrote the command or moved the last word of
/// a DRQ block. A command is therefore over, or its next block there, before the guest can look: BSY is never seen outside
/// a reset. That is what emulated PIO costs in its simplest form, and what the benchmark sets out to measure.
final class ATADrive {
  /// What the data register is for at the moment.
  enum Phase {
    case idle
    case dataIn
    case dataOut
    /// Waits for a bus master, in the command's own direction.
    case dmaIn
    case dmaOut
  }

  let storage: any BlockStorage
  let buffer: SectorBuffer
  private let supportsDMA: Bool
  /// Sectors on the medium.
  let capacity: UInt64

  var taskFile = TaskFile.signature
  private(set) var error = ATAError.diagnosticPassed
  /// The drive asks for an interrupt; whether it gets one is up to nIEN and to whether it is selected.
  var interruptPending = false

  var phase = Phase.idle
  /// What of the buffer the host has still to transfer before the block is complete. Empty while `phase` is idle, and
  /// before a DMA command has read its next block.
  var window = 0..<0
  /// For data-in what comes after the block in the buffer, for data-out what begins with it.
  var run: SectorRun?

  private var outcome = ATAStatus.idle
  private var settings: IdentifyData.Settings
  private let defaultSettings: IdentifyData.Settings
  private let identifyData: IdentifyData
  private var isStandingBy = false

  init(storage: any BlockStorage, identity: DriveIdentity, supportsDMA: Bool) {
    self.storage = storage
    self.supportsDMA = supportsDMA
    buffer = SectorBuffer(sectors: supportsDMA ? ATALimits.sectorsPerDMABlock : ATALimits.maximumMultiple)
    capacity = min(storage.byteCount / UInt64(ATALimits.sectorSize), ATALimits.lba48Sectors)
    let geometry = CHSGeometry(sectors: capacity, heads: 16, sectorsPerTrack: 63, maximumCylinders: 16383)
    defaultSettings = IdentifyData.Settings(
      geometry: geometry, multiple: 0, writeCache: true, dmaMode: supportsDMA ? 0x22 : nil)
    settings = defaultSettings
    identifyData = IdentifyData(
      identity: identity, capacity: capacity, defaultGeometry: geometry, supportsDMA: supportsDMA)
  }

  /// The status register. DRQ is set exactly while a block waits to be transferred.
  var status: ATAStatus { phase == .idle ? outcome : outcome.union(.dataRequest) }

  var writesThrough: Bool { !settings.writeCache }

  /// A hardware or software reset: whatever was going on is dropped, settings return to their defaults, and the
  /// signature shows what kind of device this is. It asks for no interrupt.
  func reset() {
    settings = defaultSettings
    isStandingBy = false
    interruptPending = false
    showSignature()
  }

  /// Runs the command in `code` to its end or to its first DRQ block. The channel lets none through while a block waits.
  func execute(_ code: UInt8) {
    interruptPending = false
    outcome = .idle
    error = []
    run = nil
    do throws(ATAFailure) {
      guard let command = ATACommand(rawValue: code) else { throw .aborted }
      try execute(command)
    } catch {
      fail(error)
    }
  }

  /// Ends a command well.
  func complete() {
    phase = .idle
    window = 0..<0
    outcome = .idle
    interruptPending = true
  }

  /// Ends a command badly and shows the guest why and where.
  func fail(_ failure: ATAFailure) {
    if let sector = failure.sector, let run {
      taskFile.show(sector: sector, addressing: run.addressing)
    }
    complete()
    error = failure.error
    outcome = failure.isDeviceFault ? [.ready, .seekComplete, .error, .deviceFault] : [.ready, .seekComplete, .error]
  }

  private func execute(_ command: ATACommand) throws(ATAFailure) {
    switch command {
    case .readSectors, .readSectorsWithoutRetry: try beginDataIn(sectors(perBlock: 1))
    case .readSectorsExt: try beginDataIn(sectorsExt(perBlock: 1))
    case .readMultiple: try beginDataIn(sectors(perBlock: requireMultiple()))
    case .readMultipleExt: try beginDataIn(sectorsExt(perBlock: requireMultiple()))
    case .writeSectors, .writeSectorsWithoutRetry: try beginDataOut(sectors(perBlock: 1))
    case .writeSectorsExt: try beginDataOut(sectorsExt(perBlock: 1))
    case .writeMultiple: try beginDataOut(sectors(perBlock: requireMultiple()))
    case .writeMultipleExt: try beginDataOut(sectorsExt(perBlock: requireMultiple()))
    case .readDMA, .readDMAWithoutRetry: try beginDMA(sectors(perBlock: requireDMA()), .dmaIn)
    case .readDMAExt: try beginDMA(sectorsExt(perBlock: requireDMA()), .dmaIn)
    case .writeDMA, .writeDMAWithoutRetry: try beginDMA(sectors(perBlock: requireDMA()), .dmaOut)
    case .writeDMAExt: try beginDMA(sectorsExt(perBlock: requireDMA()), .dmaOut)
    case .readVerify: try verify(sectors(perBlock: ATALimits.maximumMultiple))
    case .readVerifyExt: try verify(sectorsExt(perBlock: ATALimits.maximumMultiple))
    case .flushCache, .flushCacheExt: try flush()
    case .identifyDevice: identify()
    case .setMultipleMode: try setMultipleMode()
    case .setFeatures: try setFeatures()
    case .initializeDeviceParameters: try initializeParameters()
    case .executeDeviceDiagnostic: diagnose()
    case .standby, .standbyImmediate: enterPowerMode(standby: true)
    case .idle, .idleImmediate: enterPowerMode(standby: false)
    case .checkPowerMode: checkPowerMode()
    case .recalibrate: complete()
    }
  }

  // MARK: Parameters of commands that access the medium

  private func sectors(perBlock: Int) throws(ATAFailure) -> SectorRun {
    isStandingBy = false
    return try taskFile.run(capacity: capacity, geometry: settings.geometry, sectorsPerBlock: perBlock)
  }

  private func sectorsExt(perBlock: Int) throws(ATAFailure) -> SectorRun {
    isStandingBy = false
    return try taskFile.runExt(capacity: capacity, sectorsPerBlock: perBlock)
  }

  /// READ and WRITE MULTIPLE are aborted until SET MULTIPLE MODE has been accepted.
  private func requireMultiple() throws(ATAFailure) -> Int {
    guard settings.multiple > 0 else { throw .aborted }
    return settings.multiple
  }

  /// DMA commands are aborted where nobody could master the bus.
  private func requireDMA() throws(ATAFailure) -> Int {
    guard supportsDMA else { throw .aborted }
    return ATALimits.sectorsPerDMABlock
  }

  // MARK: Commands without data

  private func flush() throws(ATAFailure) {
    isStandingBy = false
    try flushStorage()
    complete()
  }

  /// SET MULTIPLE MODE: zero disables.
  private func setMultipleMode() throws(ATAFailure) {
    let count = Int(taskFile.sectorCount.current)
    guard count <= ATALimits.maximumMultiple, count & (count - 1) == 0 else { throw .aborted }
    settings.multiple = count
    complete()
  }

  /// SET FEATURES.
  private func setFeatures() throws(ATAFailure) {
    switch taskFile.features.current {
    case 0x02:
      settings.writeCache = true
    case 0x82:
      // What the cache holds must not outlive it.
      try flushStorage()
      settings.writeCache = false
    case 0x03:
      try setTransferMode(taskFile.sectorCount.current)
    default:
      throw .aborted
    }
    complete()
  }

  /// PIO: the default modes 0 and 1, or 8 + n with n up to 4. DMA: multiword and Ultra modes 0 to 2.
  private func setTransferMode(_ mode: UInt8) throws(ATAFailure) {
    switch mode {
    case 0, 1, 8...12: break
    case 0x20...0x22 where supportsDMA, 0x40...0x42 where supportsDMA: settings.dmaMode = mode
    default: throw .aborted
    }
  }

  /// INITIALIZE DEVICE PARAMETERS (ATA-5): the translation of CHS addresses from now on.
  private func initializeParameters() throws(ATAFailure) {
    let sectorsPerTrack = Int(taskFile.sectorCount.current)
    guard sectorsPerTrack > 0 else { throw .aborted }
    settings.geometry = CHSGeometry(sectors: capacity, heads: taskFile.head + 1, sectorsPerTrack: sectorsPerTrack)
    complete()
  }

  /// EXECUTE DEVICE DIAGNOSTIC: like a reset that keeps the settings and asks for an interrupt.
  private func diagnose() {
    showSignature()
    interruptPending = true
  }

  private func showSignature() {
    phase = .idle
    window = 0..<0
    run = nil
    outcome = .idle
    taskFile = .signature
    error = .diagnosticPassed
  }

  private func enterPowerMode(standby: Bool) {
    isStandingBy = standby
    complete()
  }

  /// CHECK POWER MODE: 0 in standby, 0xFF otherwise.
  private func checkPowerMode() {
    taskFile.sectorCount.current = isStandingBy ? 0 : 0xFF
    complete()
  }

  private func identify() {
    buffer.store(identifyData.words(settings: settings))
    offerBlock(sectors: 1)
  }
}
