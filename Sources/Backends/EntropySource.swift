import CLinuxKVM
import Glibc
import GuestMemory

/// Where random bytes come from. Used by one thread.
public protocol EntropySource: AnyObject {
  /// Fills the range from its start on; how many bytes it was.
  func fill(_ range: HostRange) -> Int
}

/// The host's own random numbers (getrandom(2)).
public final class HostEntropy: EntropySource {
  /// The source of this process's kernel.
  public init() {}

  /// All of the range: the kernel only gives less where a signal comes between.
  public func fill(_ range: HostRange) -> Int {
    var filled = 0
    while filled < range.count {
      // SAFETY: behind `filled` bytes the range still has that many; the kernel writes, nobody reads through it.
      let count = pv_random(range.start + filled, UInt(range.count - filled))
      guard count > 0 || count == Int(-EINTR) else { break }
      filled += max(count, 0)
    }
    return filled
  }
}
