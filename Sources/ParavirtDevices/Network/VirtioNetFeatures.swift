import Backends

extension VirtioFeatures {
  /// VIRTIO_NET_F_CSUM: the driver may leave checksums to the device.
  public static let netChecksum = VirtioFeatures(rawValue: 1 << 0)
  /// VIRTIO_NET_F_GUEST_CSUM: the device may leave checksums to the driver.
  public static let netGuestChecksum = VirtioFeatures(rawValue: 1 << 1)
  /// VIRTIO_NET_F_MAC: the configuration names an address.
  public static let netAddress = VirtioFeatures(rawValue: 1 << 5)
  /// VIRTIO_NET_F_GUEST_TSO4: the driver takes TCP over IPv4 unsegmented.
  public static let netGuestTSO4 = VirtioFeatures(rawValue: 1 << 7)
  /// VIRTIO_NET_F_GUEST_TSO6: the driver takes TCP over IPv6 unsegmented.
  public static let netGuestTSO6 = VirtioFeatures(rawValue: 1 << 8)
  /// VIRTIO_NET_F_HOST_TSO4: the device takes TCP over IPv4 unsegmented.
  public static let netHostTSO4 = VirtioFeatures(rawValue: 1 << 11)
  /// VIRTIO_NET_F_HOST_TSO6: the device takes TCP over IPv6 unsegmented.
  public static let netHostTSO6 = VirtioFeatures(rawValue: 1 << 12)
  /// VIRTIO_NET_F_MRG_RXBUF: a received frame may lie in several chains.
  public static let netMergeableBuffers = VirtioFeatures(rawValue: 1 << 15)
  /// VIRTIO_NET_F_STATUS: the configuration has a link state.
  public static let netStatus = VirtioFeatures(rawValue: 1 << 16)
  /// VIRTIO_NET_F_CTRL_VQ: there is a control queue.
  public static let netControlQueue = VirtioFeatures(rawValue: 1 << 17)
  /// VIRTIO_NET_F_CTRL_RX: it takes receive modes.
  public static let netControlReceive = VirtioFeatures(rawValue: 1 << 18)
  /// VIRTIO_NET_F_MQ: several queue pairs.
  public static let netMultiqueue = VirtioFeatures(rawValue: 1 << 22)
  /// VIRTIO_NET_F_CTRL_MAC_ADDR: the control queue takes an address.
  public static let netControlAddress = VirtioFeatures(rawValue: 1 << 23)
  /// VIRTIO_NET_F_GUEST_USO4: the driver takes UDP over IPv4 unsegmented.
  public static let netGuestUSO4 = VirtioFeatures(rawValue: 1 << 54)
  /// VIRTIO_NET_F_GUEST_USO6: the driver takes UDP over IPv6 unsegmented.
  public static let netGuestUSO6 = VirtioFeatures(rawValue: 1 << 55)
  /// VIRTIO_NET_F_HOST_USO: the device takes UDP unsegmented.
  public static let netHostUSO = VirtioFeatures(rawValue: 1 << 56)

  /// What only makes sense with a port that carries more than plain frames. Segmentation rests on checksums (5.1.3.1).
  static let netOffloads: VirtioFeatures = [
    .netChecksum, .netGuestChecksum, .netGuestTSO4, .netGuestTSO6, .netHostTSO4, .netHostTSO6, .netGuestUSO4,
    .netGuestUSO6, .netHostUSO,
  ]

  /// Longest frame without FCS that the driver may send.
  var longestTransmission: Int {
    isDisjoint(with: [.netHostTSO4, .netHostTSO6, .netHostUSO]) ? NetworkLimits.plainFrame : NetworkLimits.offloadFrame
  }

  /// Longest frame without FCS that the driver takes.
  var longestReception: Int {
    isDisjoint(with: [.netGuestTSO4, .netGuestTSO6, .netGuestUSO4, .netGuestUSO6])
      ? NetworkLimits.plainFrame : NetworkLimits.offloadFrame
  }

  /// True where the driver may leave undone what `offload` says.
  func allowSending(_ offload: FrameOffload) -> Bool {
    allow(offload, checksum: .netChecksum, tcp4: .netHostTSO4, tcp6: .netHostTSO6, udp: [.netHostUSO])
  }

  /// True where the driver takes what `offload` says.
  func allowReceiving(_ offload: FrameOffload) -> Bool {
    allow(
      offload, checksum: .netGuestChecksum, tcp4: .netGuestTSO4, tcp6: .netGuestTSO6,
      udp: [.netGuestUSO4, .netGuestUSO6])
  }

  private func allow(
    _ offload: FrameOffload, checksum: VirtioFeatures, tcp4: VirtioFeatures, tcp6: VirtioFeatures, udp: VirtioFeatures
  ) -> Bool {
    guard offload.flags & 1 == 0 || contains(checksum) else { return false }
    switch offload.segmentation {
    case 0: return true
    case 1: return contains(tcp4)
    case 4: return contains(tcp6)
    case 5: return contains(udp)
    default: return false
    }
  }
}

/// struct virtio_net_hdr (virtio 1.2, 5.1.6): before every frame, 12 bytes.
struct VirtioNetHeader: BitwiseCopyable {
  static let byteCount = 12
  var offload = FrameOffload()
  /// Chains that a received frame takes.
  var bufferCount: UInt16 = 0
}
