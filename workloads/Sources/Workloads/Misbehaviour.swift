import GuestKernel
import PVWire

/// misbehave: guests that do what hostile or broken guests do, for the tests of everything around them. Parameter `how`:
/// hang (never a heartbeat again), triplefault, nonsense (garbage in the result ring), panic (an invalid instruction), lie
/// (a ring head far beyond the ring).
enum Misbehaviour {
  static func run(_ session: Session) throws(WorkloadFailure) {
    session.ring(.ready)
    let ring = UInt(session.orders.ring)
    if session.isWord("how", "hang") {
      while true { pv_pause() }
    } else if session.isWord("how", "triplefault") {
      for gate in stride(from: 0, to: 4096, by: 8) { pv_store64(pv_idt_address() + UInt(gate), 0) }
      pv_breakpoint()
    } else if session.isWord("how", "nonsense") {
      for offset in stride(from: UInt(RingHeader.dataOffset), to: 4096, by: 8) {
        pv_store64(ring + offset, SectorPattern.mix(UInt64(offset)))
      }
      pv_store64(ring + UInt(RingHeader.headOffset), 2048)
    } else if session.isWord("how", "panic") {
      pv_undefined()
    } else if session.isWord("how", "lie") {
      pv_store64(ring + UInt(RingHeader.headOffset), UInt64.max / 2)
    } else {
      throw .failed(Text.bytes("misbehave does not know how"))
    }
  }
}
