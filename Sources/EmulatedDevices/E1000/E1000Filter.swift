/// Which frames the receiver takes (317453, 3.2.1 and 13.5): exact addresses, the multicast hash, promiscuous modes, VLANs.
struct E1000Filter {
  /// Where a frame is going.
  enum Audience: Equatable {
    case unicast
    case multicast
    case broadcast
  }

  /// The destination address as a number, first byte lowest.
  private let destination: UInt64

  /// A filter for frames to the six bytes of `destination`, first byte lowest.
  init(destination: UInt64) { self.destination = destination & 0xFFFF_FFFF_FFFF }

  var audience: Audience {
    if destination == 0xFFFF_FFFF_FFFF { return .broadcast }
    return destination & 1 != 0 ? .multicast : .unicast
  }

  /// True where the registers say that such a frame is received.
  func accepts(_ registers: E1000RegisterFile) -> Bool {
    switch audience {
    case .broadcast:
      if registers.has(
        E1000ReceiveControl.acceptBroadcast | E1000ReceiveControl.multicastPromiscuous, in: .receiveControl)
      {
        return true
      }
    case .multicast:
      if registers.has(E1000ReceiveControl.multicastPromiscuous, in: .receiveControl) || isHashed(registers) {
        return true
      }
    case .unicast:
      if registers.has(E1000ReceiveControl.unicastPromiscuous, in: .receiveControl) { return true }
    }
    return isExact(registers)
  }

  /// True where the VLAN filter lets a frame with this tag pass.
  static func accepts(tag: UInt16, _ registers: E1000RegisterFile) -> Bool {
    guard registers.has(E1000ReceiveControl.vlanFilter, in: .receiveControl) else { return true }
    let word = registers[E1000RegisterFile.vlanTable.lowerBound + 4 * Int(tag >> 5 & 0x7F)]
    return word >> UInt32(tag & 0x1F) & 1 != 0
  }

  private func isExact(_ registers: E1000RegisterFile) -> Bool {
    for offset in stride(from: 0x5400, to: 0x5480, by: 8) {
      let high = registers[offset + 4]
      guard high & 1 << 31 != 0 else { continue }
      if UInt64(high & 0xFFFF) << 32 | UInt64(registers[offset]) == destination { return true }
    }
    return false
  }

  /// RCTL.MO selects which 12 of the address's last 16 bits are the hash.
  private func isHashed(_ registers: E1000RegisterFile) -> Bool {
    let lowest: UInt64 = [4, 3, 2, 0][Int(registers[.receiveControl] >> 12 & 3)]
    let hash = Int(destination >> (32 + lowest) & 0xFFF)
    return registers[E1000RegisterFile.multicastTable.lowerBound + 4 * (hash >> 5)] >> UInt32(hash & 0x1F) & 1 != 0
  }
}
