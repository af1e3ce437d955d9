import CLinuxKVM
import GuestMemory
import Testing

@testable import KVM

@Suite("writes that KVM gathers")
struct GatheredWritesTests {
  /// A ring whose indices are these, without its entries, which nobody reads.
  private func taken(first: UInt32, last: UInt32) -> (count: UInt32, first: UInt32) {
    var ring = kvm_coalesced_mmio_ring()
    (ring.first, ring.last) = (first, last)
    let count = pv_coalesced_take(&ring, UInt32(GatheredWrites.ringEntries))
    return (count, ring.first)
  }

  @Test func thereAreAsManyAsTheIndicesSay() {
    #expect(taken(first: 5, last: 5) == (0, 5))
    #expect(taken(first: 0, last: 169) == (169, 169))
    #expect(taken(first: 168, last: 2) == (4, 2))
  }

  @Test func theRingIsAPage() { #expect(GatheredWrites.ringEntries == 170) }

  /// Two writes to an address that is gathered, and one to another.
  @Test(.enabled(if: Host.hasKVM)) func gatheredWritesDoNotExit() throws {
    let other = GuestAddress(TestGuest.mmio.value + 0x1000)
    let code = Code.storeEAX(TestGuest.mmio) + Code.storeEAX(TestGuest.mmio) + Code.storeEAX(other)
    let guest = try TestGuest(code)
    let writes = try #require(try guest.vm.gatherWrites(at: .mmio(TestGuest.mmio)))
    let exit = guest.run()
    #expect(exit.mmio?.address == other)
    #expect(guest.vcpu.take(writes) == 2)
    #expect(guest.vcpu.take(writes) == 0)
  }

  /// EAX is what RDMSR brings.
  @Test(.enabled(if: Host.hasKVM)) func aFilteredRegisterComesToUserspace() throws {
    let loadECX: [UInt8] = [0xb9, 0xa0, 0x01, 0, 0]
    let readMSR: [UInt8] = [0x0f, 0x32]
    let guest = try TestGuest(loadECX + readMSR + Code.storeEAX(TestGuest.mmio))
    #expect(try guest.vm.filterMSR(0x1a0))
    let access = try #require(guest.run().msrRead)
    #expect(access.index == 0x1a0)
    #expect(access.isFiltered)
    access.answer(0x1234)
    #expect(guest.run().mmio?.value == 0x1234)
  }
}
