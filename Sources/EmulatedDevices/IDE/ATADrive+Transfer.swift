import Backends

/// The PIO protocols: how sectors move between the medium, the DRQ buffer and the data register (ATA/ATAPI-6, section 9).
extension ATADrive {
  // MARK: Data-in: an interrupt before each block

  func beginDataIn(_ sectors: SectorRun) throws(ATAFailure) {
    run = sectors
    try loadBlock()
  }

  /// Puts the next block into the buffer and offers it.
  private func loadBlock() throws(ATAFailure) {
    guard var run else { return }
    try readSectors(run)
    let count = run.block
    run.advance()
    self.run = run
    offerBlock(sectors: count)
  }

  /// Lets the host read the first `sectors` sectors of the buffer.
  func offerBlock(sectors: Int) {
    phase = .dataIn
    window = 0..<(sectors * ATALimits.sectorSize)
    interruptPending = true
  }

  /// Fills `target` from the data register, across as many DRQ blocks as it takes; all ones where no data waits.
  func readData(into target: UnsafeMutableRawBufferPointer) {
    var done = 0
    while phase == .dataIn, done < target.count {
      // SAFETY: a bounds-checked slice of the caller's buffer, for this statement only.
      let count = buffer.copy(window, to: UnsafeMutableRawBufferPointer(rebasing: target[done...]))
      done += count
      window = (window.lowerBound + count)..<window.upperBound
      if window.isEmpty { blockWasRead() }
    }
    for index in done..<target.count { target[index] = 0xFF }
  }

  private func blockWasRead() {
    guard let run, run.remaining > 0 else {
      // The last block ends the command without an interrupt: the guest has everything already.
      phase = .idle
      return
    }
    do { try loadBlock() } catch { fail(error) }
  }

  // MARK: Data-out: an interrupt after each block, but none before the first

  func beginDataOut(_ sectors: SectorRun) throws(ATAFailure) {
    run = sectors
    try requireWritable(sectors)
    try askForBlock(sectors)
  }

  func requireWritable(_ sectors: SectorRun) throws(ATAFailure) {
    guard !storage.isReadOnly else {
      throw ATAFailure(error: [.aborted, .writeProtected], sector: sectors.next)
    }
  }

  private func askForBlock(_ run: SectorRun) throws(ATAFailure) {
    try run.requireReachable()
    phase = .dataOut
    window = 0..<(run.block * ATALimits.sectorSize)
  }

  /// Takes all of `source` into the data register, across as many DRQ blocks as it takes; what nobody asked for is dropped.
  func writeData(_ source: UnsafeRawBufferPointer) {
    var done = 0
    while phase == .dataOut, done < source.count {
      // SAFETY: a bounds-checked slice of the caller's buffer, for this statement only.
      let count = buffer.fill(window, from: UnsafeRawBufferPointer(rebasing: source[done...]))
      done += count
      window = (window.lowerBound + count)..<window.upperBound
      if window.isEmpty { blockWasWritten() }
    }
  }

  private func blockWasWritten() {
    guard var run else { return complete() }
    do throws(ATAFailure) {
      try writeSectors(run)
      run.advance()
      self.run = run
      if run.remaining > 0 {
        try askForBlock(run)
        interruptPending = true
      } else {
        if writesThrough { try flushStorage() }
        complete()
      }
    } catch {
      fail(error)
    }
  }

  // MARK: READ VERIFY: a read that nobody looks at

  func verify(_ sectors: SectorRun) throws(ATAFailure) {
    var sectors = sectors
    run = sectors
    while sectors.remaining > 0 {
      try readSectors(sectors)
      sectors.advance()
    }
    complete()
  }

  // MARK: The medium

  /// Reads the run's next block into the buffer. Only sectors that were proved to exist reach the storage.
  func readSectors(_ run: SectorRun) throws(ATAFailure) {
    try run.requireReachable()
    do throws(StorageError) {
      try storage.read(at: run.byteOffset, into: buffer.sectors(run.block))
    } catch {
      throw ATAFailure(reading: error, at: run.next)
    }
  }

  func writeSectors(_ run: SectorRun) throws(ATAFailure) {
    try run.requireReachable()
    do throws(StorageError) {
      // SAFETY: the storage only reads these bytes, and only during the call.
      try storage.write(UnsafeRawBufferPointer(buffer.sectors(run.block)), at: run.byteOffset)
    } catch {
      throw ATAFailure(writing: error, at: run.next)
    }
  }

  func flushStorage() throws(ATAFailure) {
    do throws(StorageError) {
      try storage.flush()
    } catch {
      throw ATAFailure(writing: error, at: nil)
    }
  }
}

extension ATAFailure {
  /// A read that failed: the data are lost, or the medium is smaller than it said. The address shown is the first of the
  /// block that failed as a whole.
  init(reading error: StorageError, at sector: UInt64) {
    switch error {
    case .outOfRange: self.init(error: .idNotFound, sector: sector)
    case .readOnly, .system: self.init(error: .uncorrectable, sector: sector)
    }
  }

  /// A write or flush that failed: UNC does not exist for writes (its bit means write-protected), so a host error is a
  /// device fault (ATA-6, 7.15).
  init(writing error: StorageError, at sector: UInt64?) {
    switch error {
    case .outOfRange: self.init(error: .idNotFound, sector: sector)
    case .readOnly: self.init(error: [.aborted, .writeProtected], sector: sector)
    case .system: self.init(error: .aborted, isDeviceFault: true, sector: sector)
    }
  }
}
