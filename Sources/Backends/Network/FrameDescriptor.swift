import CLinuxKVM
import Glibc
import GuestMemory

/// struct virtio_net_hdr_v1 (virtio 1.2, 5.1.6).
struct FrameHeader: BitwiseCopyable {
  var offload = FrameOffload()
  var buffers: UInt16 = 0

  /// Bytes.
  static let size = 12
}

/// Frames through a file descriptor, each behind a struct virtio_net_hdr of 12 bytes: what sockets and TAP have in common.
/// The parts of a frame go to the host as they lie in guest memory, without a copy of our own.
struct FrameDescriptor: ~Copyable {
  /// How a whole frame gets through the descriptor; a length, or -errno.
  enum Kind {
    /// sendmsg(2), recvmsg(2).
    case socket
    /// writev(2), readv(2).
    case device
  }

  /// IOV_MAX; whoever lays out buffers stays below it.
  private static let mostParts = 1024

  let descriptor: Int32
  private let kind: Kind
  private let parts: UnsafeMutablePointer<iovec>
  private let header: UnsafeMutableRawPointer

  /// Owns `descriptor` from now on.
  init(_ descriptor: Int32, kind: Kind) {
    self.descriptor = descriptor
    self.kind = kind
    parts = .allocate(capacity: Self.mostParts)
    header = .allocate(byteCount: FrameHeader.size, alignment: 8)
  }

  deinit {
    close(descriptor)
    parts.deallocate()
    header.deallocate()
  }

  /// Sends a frame: a length, or -errno.
  func send(_ frame: Span<HostRange>, offload: FrameOffload) -> Int {
    header.storeBytes(of: FrameHeader(offload: offload), as: FrameHeader.self)
    guard let count = list(frame) else { return -Int(EMSGSIZE) }
    switch kind {
    case .socket: return pv_send_parts(descriptor, parts, count)
    case .device:
      let written = writev(descriptor, parts, Int32(count))
      return written < 0 ? -Int(errno) : written
    }
  }

  /// Receives a frame, header not counted: its length, nil where the descriptor has ended, or -errno.
  func receive(into buffers: Span<HostRange>, offload: inout FrameOffload) -> Int? {
    guard let count = list(buffers) else { return nil }
    var received: Int
    switch kind {
    case .socket: received = pv_receive_parts(descriptor, parts, count)
    case .device:
      received = readv(descriptor, parts, Int32(count))
      if received < 0 { received = -Int(errno) }
    }
    guard received != 0 else { return nil }
    guard received > 0 else { return received }
    guard received >= FrameHeader.size else { return -Int(EBADMSG) }
    offload = header.load(as: FrameHeader.self).offload
    return received - FrameHeader.size
  }

  /// True where a frame waits.
  var isReadable: Bool {
    var state = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&state, 1, 0) > 0 && state.revents & Int16(POLLIN) != 0
  }

  /// Lists header and buffers for a system call; nil where there are too many.
  private func list(_ buffers: Span<HostRange>) -> Int? {
    guard buffers.count < Self.mostParts else { return nil }
    // SAFETY: the list has room for `mostParts`; every part was checked to be inside guest RAM by whoever made it.
    parts[0] = iovec(iov_base: header, iov_len: FrameHeader.size)
    for index in buffers.indices {
      parts[1 + index] = iovec(iov_base: buffers[index].start, iov_len: buffers[index].count)
    }
    return 1 + buffers.count
  }
}
