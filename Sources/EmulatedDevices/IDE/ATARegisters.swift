// Registers and commands of an ATA device (ATA/ATAPI-6, T13/1410D revision 3b, sections 7 and 8).

/// Status register (7.15).
struct ATAStatus: OptionSet {
  let rawValue: UInt8
  static let error = Self(rawValue: 0x01)
  static let dataRequest = Self(rawValue: 0x08)
  /// Seek complete, obsolete since ATA-4, but still set by every drive.
  static let seekComplete = Self(rawValue: 0x10)
  static let deviceFault = Self(rawValue: 0x20)
  static let ready = Self(rawValue: 0x40)
  static let busy = Self(rawValue: 0x80)
  /// A drive that waits for a command.
  static let idle: Self = [.ready, .seekComplete]
}

/// Error register (7.9).
struct ATAError: OptionSet {
  let rawValue: UInt8
  static let aborted = Self(rawValue: 0x04)
  static let idNotFound = Self(rawValue: 0x10)
  /// On reads: data could not be corrected.
  static let uncorrectable = Self(rawValue: 0x40)
  /// On writes the same bit means write-protected.
  static let writeProtected = Self(rawValue: 0x40)
  /// Not an error: the diagnostic code of a passed self-test, left behind by a reset.
  static let diagnosticPassed = Self(rawValue: 0x01)
}

/// Device control register (7.8).
struct ATADeviceControl: OptionSet {
  let rawValue: UInt8
  static let interruptsDisabled = Self(rawValue: 0x02)
  static let softwareReset = Self(rawValue: 0x04)
  static let highOrderByte = Self(rawValue: 0x80)
}

/// Offsets in the command block. Some have another meaning when read than when written.
enum ATARegister: Int {
  case data
  case errorOrFeatures
  case sectorCount
  case lbaLow
  case lbaMid
  case lbaHigh
  case device
  case statusOrCommand
}

/// The commands that the drive knows (8); every other code is aborted.
enum ATACommand: UInt8 {
  case recalibrate = 0x10
  case readSectors = 0x20
  case readSectorsWithoutRetry = 0x21
  case readSectorsExt = 0x24
  case readDMAExt = 0x25
  case readMultipleExt = 0x29
  case writeSectors = 0x30
  case writeSectorsWithoutRetry = 0x31
  case writeSectorsExt = 0x34
  case writeDMAExt = 0x35
  case writeMultipleExt = 0x39
  case readVerify = 0x40
  case readVerifyExt = 0x42
  case executeDeviceDiagnostic = 0x90
  case initializeDeviceParameters = 0x91
  case readMultiple = 0xC4
  case writeMultiple = 0xC5
  case setMultipleMode = 0xC6
  case readDMA = 0xC8
  case readDMAWithoutRetry = 0xC9
  case writeDMA = 0xCA
  case writeDMAWithoutRetry = 0xCB
  case standbyImmediate = 0xE0
  case idleImmediate = 0xE1
  case standby = 0xE2
  case idle = 0xE3
  case checkPowerMode = 0xE5
  case flushCache = 0xE7
  case flushCacheExt = 0xEA
  case identifyDevice = 0xEC
  case setFeatures = 0xEF
}

/// How a command ended badly: what the guest is going to see.
struct ATAFailure: Error {
  var error: ATAError
  /// The drive itself failed (status bit DF), not the request.
  var isDeviceFault = false
  /// The first sector that could not be transferred, where the command has one.
  var sector: UInt64?

  static let aborted = ATAFailure(error: .aborted)
}
