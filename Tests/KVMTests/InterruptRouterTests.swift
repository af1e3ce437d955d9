import CLinuxKVM
import Glibc
import GuestMemory
import KVM
import Testing

@Suite("interrupt routing", .enabled(if: Host.hasKVM, "/dev/kvm cannot be opened"))
struct InterruptRouterTests {
  private static let message = InterruptMessage(address: 0xFEE0_0000, data: 0x41)

  /// A VM with interrupt controllers and one vCPU whose local APIC is on.
  private struct Machine: ~Copyable {
    let virtualMachine: VirtualMachine
    let vcpu: VCPU
    let router: InterruptRouter

    init(isSplit: Bool = false) throws {
      let machine = try KVMSystem().createVM()
      if isSplit { try machine.createLocalAPICs() } else { try machine.createIRQChip() }
      let router = try machine.interruptRouter(hasControllers: !isSplit)
      let vcpu = try machine.createVCPU(index: 0)
      try vcpu.setLocalAPICRegister(at: 0xF0, to: 0x1FF)  // software enable (Intel SDM 3, 11.9)
      virtualMachine = machine
      self.vcpu = vcpu
      self.router = router
    }

    /// Whether `vector` waits in the local APIC's request register (11.8.4).
    func isRequested(_ vector: Int) throws -> Bool {
      try vcpu.localAPICRegister(at: 0x200 + vector / 32 * 16) >> UInt32(vector % 32) & 1 != 0
    }

    func pulse(gsi: UInt32) throws {
      let event = pv_eventfd()
      defer { close(event) }
      try virtualMachine.assignIRQFD(descriptor: event, gsi: gsi)
      var one: UInt64 = 1
      #expect(write(event, &one, 8) == 8)
    }
  }

  @Test func aRoutedMessageReachesTheLocalAPIC() throws {
    let machine = try Machine()
    try machine.router.route(gsi: 24, to: Self.message)
    try machine.pulse(gsi: 24)
    #expect(try machine.isRequested(0x41))
  }

  @Test func withoutARouteNothingIsSent() throws {
    let machine = try Machine()
    try machine.router.route(gsi: 24, to: Self.message)
    try machine.router.route(gsi: 24, to: nil)
    try machine.pulse(gsi: 24)
    #expect(try !machine.isRequested(0x41))
  }

  @Test func messagesAreToldApart() throws {
    let machine = try Machine()
    try machine.router.route(gsi: 24, to: Self.message)
    try machine.router.route(gsi: 25, to: InterruptMessage(address: 0xFEE0_0000, data: 0x52))
    try machine.pulse(gsi: 25)
    #expect(try machine.isRequested(0x52))
    #expect(try !machine.isRequested(0x41))
  }

  @Test(arguments: [false, true]) func aMessageIsSentByHand(isSplit: Bool) throws {
    let machine = try Machine(isSplit: isSplit)
    #expect(try machine.virtualMachine.messagePort().send(Self.message))
    #expect(try machine.isRequested(0x41))
  }

  @Test func aMessageToNobodyIsNotTaken() throws {
    let machine = try Machine()
    let toNobody = InterruptMessage(address: 0xFEE0_7000, data: 0x41)
    #expect(try !machine.virtualMachine.messagePort().send(toNobody))
  }

  @Test func withoutControllersTheirInputsAreMessages() throws {
    let machine = try Machine(isSplit: true)
    try machine.router.route(gsi: 20, to: Self.message)
    try machine.pulse(gsi: 20)
    #expect(try machine.isRequested(0x41))
  }

  @Test func withoutControllersThereIsNoPIT() throws {
    let machine = try Machine(isSplit: true)
    #expect(throws: KVMError.self) { try machine.virtualMachine.createPIT() }
  }

  @Test func controllersCannotBeLeftOutOnceThereIsAVCPU() throws {
    let machine = try Machine()
    #expect(throws: KVMError.self) { try machine.virtualMachine.createLocalAPICs() }
  }

  @Test func theControllersInputsStayRouted() throws {
    let guest = try TestGuest(Code.waitForInterrupt(5), hasIRQChip: true)
    let event = pv_eventfd()
    defer { close(event) }
    try guest.vm.interruptRouter().route(gsi: 24, to: Self.message)
    try guest.vm.assignIRQFD(descriptor: event, gsi: 5)
    #expect(try #require(guest.run().port).port == 0xe9)
    var one: UInt64 = 1
    #expect(write(event, &one, 8) == 8)
    #expect(guest.run().isShutdown)
  }

  @Test func moreMessagesThanTheTableHoldsAreRefused() throws {
    let machine = try Machine()
    for gsi in UInt32(24)..<496 { try machine.router.route(gsi: gsi, to: Self.message) }
    #expect(throws: KVMError.ioctl(.setGSIRouting, errno: E2BIG)) {
      try machine.router.route(gsi: 496, to: Self.message)
    }
  }
}
