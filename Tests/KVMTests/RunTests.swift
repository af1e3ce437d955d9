import CLinuxKVM
import Glibc
import GuestMemory
import KVM
import Testing

@Suite("a guest that runs", .enabled(if: Host.hasKVM, "/dev/kvm cannot be opened"))
struct RunTests {
  @Test func portsMMIOAndHaltAreSeenInOrder() throws {
    let guest = try TestGuest(
      Code.loadEAX(0x1234_565a) + Code.outAL(0xe9) + Code.inAL(0x60) + Code.storeEAX(TestGuest.mmio) + Code.hlt)

    let output = try #require(guest.run().port)
    #expect(output.port == 0xe9)
    #expect(!output.isInput)
    #expect(output.width == 1)
    #expect(output.count == 1)
    #expect(output.value == 0x5a)

    let input = try #require(guest.run().port)
    #expect(input.port == 0x60)
    #expect(input.isInput)
    input.value = 0xc3

    let store = try #require(guest.run().mmio)
    #expect(store.address == TestGuest.mmio)
    #expect(store.isWrite)
    #expect(store.width == 4)
    #expect(store.value == 0x1234_56c3)

    #expect(guest.run().isHLT)
  }

  @Test func anMMIOReadIsAnswered() throws {
    let guest = try TestGuest(Code.loadEAX(from: TestGuest.mmio) + Code.outAL(0xe9) + Code.hlt)
    let load = try #require(guest.run().mmio)
    #expect(!load.isWrite)
    load.value = 0xdead_be77
    #expect(try #require(guest.run().port).value == 0x77)
  }

  @Test func aTripleFaultIsAShutdown() throws {
    // Without descriptor tables, any exception is one.
    let guest = try TestGuest([0x0f, 0x0b])
    #expect(guest.run().isShutdown)
  }

  @Test func immediateExitReturnsAtOnceUntilItIsTakenBack() throws {
    let guest = try TestGuest(Code.outAL(0xe9) + Code.jumpToSelf)
    guest.vcpu.stopper.requestImmediateExit()
    #expect(guest.vcpu.run().isInterrupted)
    #expect(guest.vcpu.run().isInterrupted)
    guest.vcpu.stopper.clearImmediateExit()
    #expect(try #require(guest.run().port).port == 0xe9)
  }

  @Test func aHiddenHypervisorLeavesNoTraceInCPUID() throws {
    let guest = try TestGuest(Code.loadEAX(1) + Code.cpuid + Code.hlt, hidesHypervisor: true)
    #expect(guest.run().isHLT)
    #expect(try guest.vcpu.registers().rcx & 1 << 31 == 0)
  }

  @Test func theHypervisorShowsItsSignatureUnlessHidden() throws {
    let guest = try TestGuest(Code.loadEAX(0x4000_0000) + Code.cpuid + Code.hlt)
    #expect(guest.run().isHLT)
    #expect(try guest.vcpu.registers().rbx == 0x4b4d_564b)  // "KVMK"
  }
}

@Suite("doorbells and interrupts", .enabled(if: Host.hasKVM, "/dev/kvm cannot be opened"))
struct EventTests {
  @Test func aDoorbellRingsWithoutAnExit() throws {
    let guest = try TestGuest(Code.outAL(0x80) + Code.outAL(0x80) + Code.outAL(0xe9) + Code.hlt)
    let event = pv_eventfd()
    defer { close(event) }
    try guest.vm.assignDoorbell(descriptor: event, address: .port(0x80), width: 1)

    #expect(try #require(guest.run().port).port == 0xe9)
    #expect(consume(event) == 2)
  }

  @Test func anMMIODoorbellRingsOnItsOwnValueOnly() throws {
    let guest = try TestGuest(
      Code.loadEAX(3) + Code.storeEAX(TestGuest.mmio) + Code.loadEAX(4) + Code.storeEAX(TestGuest.mmio) + Code.hlt)
    let event = pv_eventfd()
    defer { close(event) }
    try guest.vm.assignDoorbell(descriptor: event, address: .mmio(TestGuest.mmio), width: 4, match: 3)

    #expect(try #require(guest.run().mmio).value == 4)
    #expect(consume(event) == 1)
  }

  @Test func aDoorbellOfAnImpossibleWidthIsRefused() throws {
    let guest = try TestGuest(Code.hlt)
    let event = pv_eventfd()
    defer { close(event) }
    #expect(throws: KVMError.ioctl(.ioEventFD, errno: EINVAL)) {
      try guest.vm.assignDoorbell(descriptor: event, address: .port(0x80), width: 3)
    }
  }

  @Test func anIRQFDWakesAHaltedGuest() throws {
    let guest = try TestGuest(Code.waitForInterrupt(5), hasIRQChip: true)
    let event = pv_eventfd()
    defer { close(event) }
    try guest.vm.assignIRQFD(descriptor: event, gsi: 5)
    #expect(try #require(guest.run().port).port == 0xe9)
    var one: UInt64 = 1
    #expect(write(event, &one, 8) == 8)
    #expect(guest.run().isShutdown)
  }

  @Test func anIRQFDNeedsAnEventFD() throws {
    let guest = try TestGuest(Code.hlt, hasIRQChip: true)
    #expect(throws: KVMError.ioctl(.irqFD, errno: EBADF)) { try guest.vm.assignIRQFD(descriptor: -1, gsi: 5) }
  }

  @Test func anInterruptInputNeedsInterruptControllers() throws {
    let guest = try TestGuest(Code.hlt)
    #expect(throws: KVMError.ioctl(.irqLine, errno: ENXIO)) { _ = try guest.vm.interruptInput(gsi: 4) }
  }

  @Test func anInterruptInputWakesAHaltedGuest() throws {
    let guest = try TestGuest(Code.waitForInterrupt(4), hasIRQChip: true)
    let input = try guest.vm.interruptInput(gsi: 4)
    #expect(try #require(guest.run().port).port == 0xe9)
    input.set(true)
    #expect(guest.run().isShutdown)
  }

  private func consume(_ event: Int32) -> UInt64 {
    var count: UInt64 = 0
    return read(event, &count, 8) == 8 ? count : 0
  }
}

@Suite("what the kernel counts", .enabled(if: Host.hasKVM, "/dev/kvm cannot be opened"))
struct CounterTests {
  @Test func theExitsCounterMovesWithTheGuest() throws {
    let guest = try TestGuest(Code.outAL(0xe9) + Code.outAL(0xe9) + Code.hlt)
    var stats = try guest.vcpu.stats()
    let before = try stats.snapshot()
    #expect(guest.run().port != nil)
    #expect(guest.run().port != nil)
    #expect(guest.run().isHLT)
    let after = try stats.snapshot()
    #expect(try #require(stats.difference(from: before, to: after)["exits"]) >= 3)
  }

  @Test func aVirtualMachineHasCountersOfItsOwn() throws {
    let guest = try TestGuest(Code.hlt)
    var stats = try guest.vm.stats()
    #expect(stats.counters.contains { $0.name == "remote_tlb_flush" && $0.kind == .cumulative })
    #expect(try stats.snapshot().count == stats.counters.count)
  }

  @Test(.enabled(if: Host.userspaceExitEvent != nil, "kvm:kvm_userspace_exit cannot be counted"))
  func theKernelCountsEveryReturnOfRun() throws {
    let guest = try TestGuest(Code.outAL(0xe9) + Code.inAL(0x60) + Code.storeEAX(TestGuest.mmio) + Code.hlt)
    let counter = try UserspaceExitCounter(event: try #require(Host.userspaceExitEvent))
    #expect(try counter.read() == 0)
    for _ in 0..<4 { _ = guest.run() }
    guest.vcpu.stopper.requestImmediateExit()
    #expect(guest.vcpu.run().isInterrupted)
    #expect(try counter.read() == 5)
  }

  @Test func anUnknownTracepointIsRefused() {
    #expect(throws: KVMError.self) { _ = try UserspaceExitCounter(event: 0xffff_ffff).read() }
  }
}
