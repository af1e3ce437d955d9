/// A function in a slot: its configuration space and what answers in its windows. Where the windows lie is the machine's
/// knowledge; the function only passes it on.
public protocol PCIFunction: AnyObject {
  /// Its configuration space.
  var configuration: PCIConfiguration { get }
  /// What answers in each base address register.
  var windows: [(baseAddress: PCIBaseAddress, device: any Device)] { get }

  /// The guest is about to read from `offset` on: time to `set` what changes by itself.
  func configurationWillBeRead(at offset: Int, width: AccessWidth)
  /// The guest has written from `offset` on.
  func configurationWritten(at offset: Int, width: AccessWidth)
}

extension PCIFunction {
  /// Nothing changes by itself.
  public func configurationWillBeRead(at offset: Int, width: AccessWidth) {}
  /// Nothing follows from a write.
  public func configurationWritten(at offset: Int, width: AccessWidth) {}
}

/// A function that is nothing but its configuration space: a bridge without registers of interest.
public final class PCIStub: PCIFunction {
  /// Its configuration space.
  public let configuration: PCIConfiguration
  /// None.
  public var windows: [(baseAddress: PCIBaseAddress, device: any Device)] { [] }

  /// A function without windows.
  public init(_ identity: PCIIdentity) {
    configuration = PCIConfiguration(identity, baseAddresses: [], interruptLine: 0)
  }
}
