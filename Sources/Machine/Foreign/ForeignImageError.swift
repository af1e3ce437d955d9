import Glibc
import GuestMemory

/// Why a kernel or an initial ramdisk cannot be loaded.
public enum ForeignImageError: Error, Equatable, CustomStringConvertible {
  case cannotRead(errno: Int32)
  /// The file ends before what it is said to contain.
  case truncated(what: String)
  case unknownFormat
  /// A format that is known, of a kind that cannot be started; the text says why.
  case unsupported(String)
  /// A part of the kernel lies where the boot protocol's own tables are, or where PCs have no RAM.
  case overlapsReserved(GuestAddress, end: GuestAddress)
  /// The kernel needs RAM up to `end`, and there is less.
  case tooLarge(end: UInt64, memory: UInt64)
  /// No room is left for the initial ramdisk between the end of the kernel and `limit`.
  case initrdDoesNotFit(byteCount: UInt64, room: UInt64)
  case commandLineTooLong(byteCount: Int, limit: Int)

  /// What happened, in the middle of a line.
  public var description: String {
    switch self {
    case .cannotRead(let code): "cannot be read: \(String(cString: strerror(code)))"
    case .truncated(let what): "is truncated: it ends before its \(what) does"
    case .unknownFormat:
      "is neither a Linux kernel (bzImage or vmlinux) nor an ELF with a PVH note nor a multiboot image"
    case .unsupported(let text): text
    case .overlapsReserved(let start, let end):
      "wants to be at \(start) to \(end), which overlaps memory that is reserved for the boot protocol and the firmware"
    case .tooLarge(let end, let memory):
      "needs \(Self.mebibytes(end)) MiB of RAM and the guest has \(memory >> 20) MiB (give it more with --memory)"
    case .initrdDoesNotFit(let count, let room):
      "has \(Self.mebibytes(count)) MiB and does not fit: \(room >> 20) MiB are free above the kernel (give the guest "
        + "more with --memory)"
    case .commandLineTooLong(let count, let limit): "takes a command line of \(limit) bytes, not of \(count)"
    }
  }

  private static func mebibytes(_ count: UInt64) -> UInt64 { (count >> 20) + (count & 0xFFFFF == 0 ? 0 : 1) }
}
