import DeviceModel
import KVM
import Synchronization

/// The message interrupts of one PCI function: an irqfd for each vector, whose GSI is routed to the vector's message.
final class PCIMessages: MessageInterrupts {
  private let router: InterruptRouter
  private let firstGSI: UInt32
  private let edges: [EventFD]

  /// `vectorCount` vectors on the GSIs from `firstGSI` on.
  init(
    vectorCount: Int, firstGSI: UInt32, router: InterruptRouter, machine: borrowing VirtualMachine
  ) throws(MachineError) {
    self.router = router
    self.firstGSI = firstGSI
    do {
      var edges: [EventFD] = []
      for vector in 0..<vectorCount {
        let edge = try EventFD()
        try machine.assignIRQFD(descriptor: edge.descriptor, gsi: firstGSI + UInt32(vector))
        edges.append(edge)
      }
      self.edges = edges
    } catch let error as KVMError {
      throw .kvm(error)
    } catch {
      throw .wiring("no eventfd for a message interrupt: \(error)")
    }
  }

  /// Follows the table entry where it can be sent. A message that KVM refuses, or that is not for the local APICs, is sent by
  /// nobody: what a write to nowhere would do.
  func configure(vector: Int, address: UInt64, data: UInt32, isMasked: Bool) {
    guard !isMasked else { return }
    let isForAPIC = address >> 20 & 0xFFF == 0xFEE
    try? router.route(
      gsi: firstGSI + UInt32(vector), to: isForAPIC ? InterruptMessage(address: address, data: data) : nil)
  }

  func edge(vector: Int) -> any InterruptEdge { edges[vector] }
}
