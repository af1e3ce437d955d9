import Backends
import DeviceModel
import Glibc
import GuestMemory
import KVM

/// Why a machine could not be built or a guest could not be started.
public enum MachineError: Error, CustomStringConvertible {
  case kvm(KVMError)
  case memory(GuestMemoryError)
  case guestImage(GuestImageError)
  /// A foreign kernel or its ramdisk, and its file.
  case foreignImage(ForeignImageError, path: String)
  case disk(String)
  case network(String)
  /// The host cannot offer what the machine is made of: nothing has failed, and nothing can be measured.
  case unavailable(String)
  case wiring(String)

  /// Pages that the host does not have are nothing that has failed.
  init(_ error: GuestMemoryError) {
    switch error {
    case .noHugePages, .cannotBind: self = .unavailable("\(error)")
    default: self = .memory(error)
    }
  }

  /// Whatever the making of a machine, or of its threads, threw.
  init(making error: any Error) {
    switch error {
    case let error as MachineError: self = error
    case let error as KVMError: self = .kvm(error)
    case let error as GuestMemoryError: self.init(error)
    case let error as PosixThread.CreationError:
      self = .wiring("cannot start a thread: \(String(cString: strerror(error.errno)))")
    default: self = .wiring("\(error)")
    }
  }

  /// What happened, in one line.
  public var description: String {
    switch self {
    case .kvm(let error): "\(error)"
    case .memory(let error): "\(error)"
    case .guestImage(let error): "guest image: \(error)"
    case .foreignImage(let error, let path): "\(path) \(error)"
    case .disk(let text), .network(let text), .unavailable(let text): text
    case .wiring(let text): "cannot wire the machine: \(text)"
    }
  }

  /// True where it is the host that lacks something (exit code 69).
  public var isHostUnfit: Bool {
    guard case .kvm(let error) = self else { return false }
    switch error {
    case .open, .notKVM, .apiVersion: return true
    default: return false
    }
  }
}
