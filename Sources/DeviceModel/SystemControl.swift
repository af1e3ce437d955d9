/// What a guest asks of its machine as a whole, by writing to a register.
public enum SystemRequest: Equatable, Sendable {
  /// The machine shall start anew.
  case reset
  /// The machine shall be switched off (ACPI state S5).
  case powerOff
  /// A test has ended with this status (QEMU's `isa-debug-exit`).
  case exit(status: UInt32)
  /// The guest has come to the place that its user wants to time.
  case marker
}

/// The machine as a device that can end it sees it. Behind it: the runner, or a list in a test. Called from vCPU threads.
public protocol SystemControl: AnyObject, Sendable {
  /// Takes a request. The vCPU that made it runs no further instruction where the request ends the machine.
  func request(_ request: SystemRequest)
}
