import KVM
import Testing

@Suite("CPUID tables")
struct CPUIDTableTests {
  let table = CPUIDTable(entries: [
    .init(function: 0x1, eax: 0x600, ebx: 0xff10_0800, ecx: 1 << 31 | 1 << 26, edx: 1),
    .init(function: 0xb, index: 0, eax: 1, edx: 7),
    .init(function: 0xb, index: 1, eax: 4, edx: 7),
    .init(function: 0xd, index: 0, eax: 0xe7),
    .init(function: 0x4000_0000, eax: 0x4000_0001, ebx: 0x4b4d_564b),
    .init(function: 0x4000_0001, eax: 0x0100_00fb),
  ])

  @Test func aSubleafIsFoundByItsIndex() {
    #expect(table.entry(0xb, index: 1)?.eax == 4)
    #expect(table.entry(0xb, index: 2) == nil)
  }

  @Test func aLeafWithoutSubleavesIgnoresTheIndex() {
    #expect(table.entry(1, index: 9)?.eax == 0x600)
  }

  @Test func hidingRemovesOnlyTheHypervisor() {
    let hidden = table.hidingHypervisor()
    #expect(hidden.entry(0x4000_0000) == nil)
    #expect(hidden.entry(0x4000_0001) == nil)
    #expect(hidden.entry(1)?.ecx == 1 << 26)
    #expect(hidden.entries.count == 4)
  }

  @Test func showingTheHypervisorTakesHidingBack() {
    let shown = table.hidingHypervisor().showingHypervisor()
    #expect(shown.entry(1)?.ecx == 1 << 31 | 1 << 26)
    #expect(shown.entry(0x4000_0000) == nil)
  }

  @Test func showingTheDeadlineModeChangesOneBit() {
    let shown = table.showingTSCDeadline()
    #expect(shown.entry(1)?.ecx == 1 << 31 | 1 << 26 | 1 << 24)
    #expect(shown.entry(1)?.ebx == 0xff10_0800)
    #expect(shown.entries.count == table.entries.count)
  }

  @Test func everyVCPUHasItsOwnAPICIdentifier() {
    let third = table.forVCPU(3)
    #expect(third.entry(1)?.ebx == 0x0310_0800)
    #expect(third.entry(0xb, index: 0)?.edx == 3)
    #expect(third.entry(0xb, index: 1)?.edx == 3)
    #expect(third.entry(0x4000_0000)?.ebx == 0x4b4d_564b)
  }

  @Test func settingReplacesTheSameSubleafOnly() {
    var changed = table
    changed.set(.init(function: 0xb, index: 1, eax: 9))
    changed.set(.init(function: 0x15, eax: 2))
    #expect(changed.entry(0xb, index: 0)?.eax == 1)
    #expect(changed.entry(0xb, index: 1)?.eax == 9)
    #expect(changed.entry(0x15)?.eax == 2)
    #expect(changed.entries.count == table.entries.count + 1)
  }

  @Test func xcr0HoldsX87SSEAndAVXOnly() {
    #expect(table.xcr0 == 0b111)
  }

  @Test func listedStatesAreShownWhereTheBitsWereLeftOut() {
    var plain = table
    plain.set(.init(function: 1, ecx: 1))
    #expect(plain.showingListedStates().entry(1)?.ecx == 0x1400_0001)
    plain.set(.init(function: 0xd, index: 0, eax: 0b11))
    #expect(plain.showingListedStates().entry(1)?.ecx == 0x0400_0001)
    plain.set(.init(function: 0xd, index: 0, eax: 0))
    #expect(plain.showingListedStates().entry(1)?.ecx == 1)
  }

  @Test func withoutXSAVEThereIsNoXCR0() {
    var plain = table
    plain.set(.init(function: 1, ecx: 0))
    #expect(plain.xcr0 == nil)
  }
}
