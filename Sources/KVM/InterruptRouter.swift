import CLinuxKVM
import Synchronization

/// A message-signalled interrupt: a write of `data` to `address`, which chooses processors and vector (Intel SDM 3, 11.11).
public struct InterruptMessage: Equatable, Sendable {
  /// 0xFEE… for the local APICs.
  public let address: UInt64
  /// Vector and delivery mode.
  public let data: UInt32

  /// A message; see the properties.
  public init(address: UInt64, data: UInt32) {
    self.address = address
    self.data = data
  }
}

/// Which interrupt a GSI is (KVM_SET_GSI_ROUTING): 0 to 23 are the inputs of the in-kernel interrupt controllers, as KVM has
/// them to begin with, further ones are messages; without those controllers all are. From any thread. It keeps the VM alive.
public final class InterruptRouter: Sendable {
  /// The first GSI that is no input of an interrupt controller.
  public static let firstMessage: UInt32 = 24

  private let descriptor: Descriptor
  private let controllers: [kvm_irq_routing_entry]
  private let messages = Mutex<[UInt32: InterruptMessage]>([:])

  init(descriptor: consuming Descriptor, hasControllers: Bool) {
    self.descriptor = descriptor
    controllers = hasControllers ? Self.kernelControllers : []
  }

  /// Makes `gsi` send `message`; nil for nothing. KVM copies the whole table: some 0.1 ms.
  public func route(gsi: UInt32, to message: InterruptMessage?) throws(KVMError) {
    let result = messages.withLock { messages -> Int32 in
      guard messages[gsi] != message else { return 0 }
      messages[gsi] = message
      let entries = controllers + messages.map { Self.entry(gsi: $0.key, $0.value) }
      return entries.withUnsafeBufferPointer { entries in
        // SAFETY: the shim reads `count` entries and keeps no pointer to them.
        pv_kvm_set_routing(descriptor.raw, entries.baseAddress, UInt32(entries.count))
      }
    }
    try Descriptor.check(.setGSIRouting, result)
  }

  private static func entry(gsi: UInt32, _ message: InterruptMessage) -> kvm_irq_routing_entry {
    var entry = kvm_irq_routing_entry()
    entry.gsi = gsi
    entry.type = UInt32(KVM_IRQ_ROUTING_MSI)
    entry.u.msi.address_lo = UInt32(truncatingIfNeeded: message.address)
    entry.u.msi.address_hi = UInt32(truncatingIfNeeded: message.address >> 32)
    entry.u.msi.data = message.data
    return entry
  }

  /// KVM's own table: every input of the I/O APIC, and the first sixteen of the 8259 pair as well.
  private static let kernelControllers: [kvm_irq_routing_entry] = (0..<firstMessage).flatMap { gsi in
    let pic = UInt32(gsi < 8 ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE)
    let inputs = [(UInt32(KVM_IRQCHIP_IOAPIC), gsi)] + (gsi < 16 ? [(pic, gsi % 8)] : [])
    return inputs.map { chip, pin in
      var entry = kvm_irq_routing_entry()
      entry.gsi = gsi
      entry.type = UInt32(KVM_IRQ_ROUTING_IRQCHIP)
      entry.u.irqchip.irqchip = chip
      entry.u.irqchip.pin = pin
      return entry
    }
  }
}
