import Drivers
import GuestKernel
import PVWire
import Workloads

/// The guest's ring-3 start: reads its orders, runs one workload, reports, and is done. `startInfo` is the address of a
/// PVH start_info (Xen, public/arch-x86/hvm/start_info.h).
@c public func guest_main(_ startInfo: UInt) {
  UART.initialize()
  UART.line("pvbench guest")
  guard let boot = StartInfo(at: startInfo) else {
    return finish("no orders: not started by PVH with an orders module")
  }
  let orders: Orders
  do throws(WireError) {
    orders = try Orders(decoding: boot.firstModule)
  } catch {
    return finish("orders are damaged")
  }
  if orders.ring != 0 { pv_store64(UInt(orders.ring), RingHeader.magic) }
  let session = Session(orders: orders) { slot, base in
    boot.virtioInterrupt(base: base) ?? MemoryMap.virtioMMIOFirstGSI + UInt32(slot)
  }
  describeProcessor(session)
  do throws(WorkloadFailure) {
    guard let kernel = WorkloadRegistry.kernel(named: orders.kernel) else {
      throw .failed(Text.bytes("the guest has no workload kernel of this name"))
    }
    try kernel(session)
  } catch {
    switch error {
    case .failed(let text): session.send(.failure(text))
    case .skipped(let text): session.send(.skip(text))
    }
  }
  finish("done")
}

/// Where every processor but the first starts in ring 3.
@c public func guest_processor(_ index: Int) -> Never { Processors.park(index) }

private func finish(_ line: StaticString) {
  UART.line(line)
  pv_out8(Doorbell.port, Doorbell.done.rawValue)
  pv_out32(0xF4, 0)  // QEMU's isa-debug-exit, where it is there
}

/// Says which hypervisor CPUID shows, read in ring 0: some hosts show ring 3 the physical processor.
private func describeProcessor(_ session: Session) {
  var words: [UInt32] = [0, 0, 0, 0]
  words.withUnsafeMutableBufferPointer { pv_cpuid(1, 0, $0.baseAddress) }
  guard words[2] & 1 << 31 != 0 else { return session.send(.log(Text.bytes("cpuid: no hypervisor"))) }
  words.withUnsafeMutableBufferPointer { pv_cpuid(0x4000_0000, 0, $0.baseAddress) }
  var signature: [UInt8] = []
  for word in words[1...3] {
    for shift in stride(from: UInt32(0), to: 32, by: 8) where word >> shift & 0xFF != 0 {
      signature.append(UInt8(word >> shift & 0xFF))
    }
  }
  session.send(.log(Text.bytes("cpuid: hypervisor ") + signature))
}
