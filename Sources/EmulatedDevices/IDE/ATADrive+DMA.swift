/// The DMA protocols (ATA/ATAPI-6, 9.9 and 9.10): the drive asks for the bus, and whoever masters it moves the data, with one
/// interrupt when everything is over.
extension ATADrive {
  /// Starts to wait for a bus master.
  func beginDMA(_ sectors: SectorRun, _ direction: Phase) throws(ATAFailure) {
    run = sectors
    if direction == .dmaOut { try requireWritable(sectors) }
    try sectors.requireReachable()
    phase = direction
    window = 0..<0
  }

  /// The part of the buffer that is to be moved next; nil where the command is over, be it by a failure of the medium.
  func nextDMAWindow() -> Range<Int>? {
    guard phase == .dmaIn || phase == .dmaOut, let run else { return nil }
    guard window.isEmpty else { return window }
    do throws(ATAFailure) {
      if phase == .dmaIn { try readSectors(run) } else { try run.requireReachable() }
      window = 0..<(run.block * ATALimits.sectorSize)
      return window
    } catch {
      fail(error)
      return nil
    }
  }

  /// The bus master has moved the first `count` bytes of the window.
  func movedByDMA(_ count: Int) {
    window = (window.lowerBound + count)..<window.upperBound
    guard window.isEmpty, var run else { return }
    do throws(ATAFailure) {
      if phase == .dmaOut { try writeSectors(run) }
      run.advance()
      self.run = run
      guard run.remaining == 0 else { return }
      if phase == .dmaOut && writesThrough { try flushStorage() }
      complete()
    } catch {
      fail(error)
    }
  }
}
