/// What stands at the ports and registers that appear in exit details, for readers who do not know them by heart.
enum ExitPlace {
  /// ATA command block and control block registers (ATA/ATAPI-6, section 7); COM1 (16550A); time sources; the guest's own marks.
  private static let ports: [String: String] = [
    "0x1f0": "ATA data", "0x1f1": "ATA error/features", "0x1f2": "ATA sector count", "0x1f3": "ATA LBA low",
    "0x1f4": "ATA LBA mid", "0x1f5": "ATA LBA high", "0x1f6": "ATA device", "0x1f7": "ATA status/command",
    "0x3f6": "ATA alternate status/control", "0x3f8": "UART data", "0x3fd": "UART line status",
    "0x5056": "pvbench mark", "0x5090": "pvbench host clock", "0x608": "ACPI PM timer", "0x70": "CMOS index",
    "0x71": "CMOS data",
  ]
  /// virtio-mmio registers (Virtual I/O Device 1.2, section 4.2.2) by offset.
  private static let virtio: [UInt64: String] = [
    0x50: "virtio queue notify", 0x60: "virtio interrupt status", 0x64: "virtio interrupt acknowledge",
    0x70: "virtio status",
  ]

  /// Words for `io`, `0x1f0:in`; nil for places that no table knows.
  static func words(reason: String, detail: String) -> String? {
    let place = String(detail.prefix { $0 != ":" })
    switch reason {
    case "io": return ports[place]
    case "mmio":
      // Slots of 0x200 bytes from 0xFEB00000 on, as the builtin runner places them.
      guard let address = UInt64(place.dropFirst(2), radix: 16), (0xFEB0_0000..<0xFEB0_1000).contains(address) else {
        return nil
      }
      return virtio[address % 0x200]
    default: return nil
    }
  }
}
