import Drivers
import GuestKernel
import PVWire

/// exits: leaves the guest over and over by one way out, to a place where nothing is done for it, so that what is measured is
/// the way out and back.
///
/// Parameters: way (see `ways`), level (ring3, ring0). Latency is that of the one instruction, with the TSC read on both sides of
/// it (GuestKernel/ways.S). What the instruction brings back must be right before the first and after the last time. The host
/// knows where each way leads, and counts what comes out of the guest there (MachineLauncher/WayOut.swift).
enum ExitWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    for way in ways where session.isWord("way", way.name) {
      try way.prepare()
      return try session.measure(ExitLoop(session, way, isPrivileged: session.isWord("level", "ring0")))
    }
    throw .failed(Text.bytes("way: the guest knows no such way out"))
  }

  /// Every way out of the guest. To add one: a row here, and one in the host's table.
  private static let ways: [WayOut] = [
    WayOut("empty", pv_way_empty, pv_way_empty_ring0),

    WayOut("pio-out", pv_way_out32, pv_way_out32_ring0, UInt64(MemoryMap.nobodysPort)),
    WayOut(
      "pio-in", pv_way_in32, pv_way_in32_ring0, UInt64(MemoryMap.nobodysPort), isRight: { $0 == nobodysValue }),
    WayOut("pit-out", pv_way_out8, pv_way_out8_ring0, 0x43, prepare: startPIT),  // latches counter 0
    WayOut("pit-in", pv_way_in8, pv_way_in8_ring0, 0x40, prepare: startPIT),
    WayOut(
      "pic-in", pv_way_in8, pv_way_in8_ring0, 0x21, prepare: { PIC.initialize() },
      isRight: { $0 == UInt64(PIC.initialMask) }),
    WayOut("string-out", pv_way_outs, pv_way_outs_ring0, UInt64(MemoryMap.nobodysPort), rbx: UInt64(string)),
    WayOut(
      "string-in", pv_way_ins, pv_way_ins_ring0, UInt64(MemoryMap.nobodysPort), rbx: UInt64(string),
      isRight: { _ in isStringOnes(PV_WAY_ELEMENTS) }),
    WayOut(
      "sector-in", pv_way_ins_sector, pv_way_ins_sector_ring0, UInt64(MemoryMap.nobodysPort), rbx: UInt64(string),
      isRight: { _ in isStringOnes(PV_WAY_SECTOR_ELEMENTS) }),

    WayOut("mmio-write", pv_way_write32, pv_way_write32_ring0, MemoryMap.nobodysAddress),
    WayOut(
      "mmio-read", pv_way_read32, pv_way_read32_ring0, MemoryMap.nobodysAddress, isRight: { $0 == nobodysValue }),
    WayOut("event-pio", pv_way_out32, pv_way_out32_ring0, UInt64(MemoryMap.eventPort)),
    WayOut("event-mmio", pv_way_write32, pv_way_write32_ring0, MemoryMap.eventAddress),
    WayOut("coalesced-pio", pv_way_out32, pv_way_out32_ring0, UInt64(MemoryMap.coalescedPort)),
    WayOut("coalesced-mmio", pv_way_write32, pv_way_write32_ring0, MemoryMap.coalescedAddress),

    // ID and task priority (Intel SDM 3, tables 11-1 and 11-6).
    WayOut("lapic-read", pv_way_read32, pv_way_read32_ring0, MemoryMap.localAPIC + 0x20, isRight: { $0 == 0 }),
    WayOut(
      "lapic-write", pv_way_write32, pv_way_write32_ring0, MemoryMap.localAPIC + 0x80, rcx: harmlessPriority,
      isRight: { _ in pv_read32(UInt(MemoryMap.localAPIC) + 0x80) == UInt32(harmlessPriority) }),
    WayOut(
      "x2apic-read", nil, pv_way_rdmsr_ring0, rcx: 0x802, prepare: { LocalAPIC.enterX2APIC() }, isRight: { $0 == 0 }),
    WayOut(
      "x2apic-write", nil, pv_way_wrmsr_ring0, rcx: 0x808, rsi: harmlessPriority,
      prepare: { LocalAPIC.enterX2APIC() }, isRight: { _ in pv_rdmsr(0x808) == harmlessPriority }),

    WayOut("cpuid", pv_way_cpuid, pv_way_cpuid_ring0, isRight: { $0 > 0 }),
    WayOut(
      "rdmsr", nil, pv_way_rdmsr_ring0, rcx: harmlessMSR, isRight: { $0 == harmlessValue & UInt64(UInt32.max) }),
    WayOut(
      "wrmsr", nil, pv_way_wrmsr_ring0, rcx: harmlessMSR, rbx: harmlessValue >> 32, rsi: harmlessValue,
      isRight: { _ in pv_rdmsr(MemoryMap.harmlessMSR) == harmlessValue }),
    WayOut("rdmsr-user", nil, pv_way_rdmsr_ring0, rcx: harmlessMSR, isRight: { $0 == nobodysValue }),
    WayOut("wrmsr-user", nil, pv_way_wrmsr_ring0, rcx: harmlessMSR),

    // Each about this very processor. The interrupt is taken behind the loop, once for all of its turns.
    .hypercall("call-unknown", 0, isRight: { $0 == Hypercall.unknown }),
    .hypercall("call-ipi", Hypercall.Number.sendIPI.rawValue, rbx: 1, rsi: 0x51, isRight: { $0 == 1 }),
    .hypercall("call-kick", Hypercall.Number.kickCPU.rawValue, isRight: { $0 == 0 }),
    .hypercall("call-yield", Hypercall.Number.schedYield.rawValue, isRight: { $0 == 0 }),
  ]

  /// What a place that nobody decodes reads as.
  private static let nobodysValue = UInt64(UInt32.max)
  /// A task priority that holds back no interrupt: vectors from 0x20 on are above it.
  private static let harmlessPriority: UInt64 = 0x10
  private static let harmlessMSR = UInt64(MemoryMap.harmlessMSR)
  /// Read where a row asks for it, and not before.
  private static let harmlessValue = pv_rdmsr(MemoryMap.harmlessMSR)
  /// What string instructions move.
  private static let string = DMAMemory(count: 2 * Int(PV_WAY_SECTOR_ELEMENTS), alignment: 64).address

  private static func isStringOnes(_ count: Int) -> Bool {
    (0..<UInt(count)).allSatisfy { pv_read16(string + 2 * $0) == UInt16.max }
  }

  /// Makes counter 0 count, with the 8259 masked: nobody wants its interrupts.
  private static func startPIT() throws(WorkloadFailure) {
    PIC.initialize()
    guard PIT.startFreeRunning() else { throw .failed(Text.bytes("the 8254 does not count")) }
  }
}
