import CLinuxKVM
import Glibc
import GuestMemory

/// Where a guest's write rings a doorbell.
public enum DoorbellAddress: Equatable, Sendable {
  /// An I/O port.
  case port(UInt16)
  /// A guest-physical address outside RAM.
  case mmio(GuestAddress)
}

/// One KVM virtual machine. It lives as long as this owner or any of its vCPUs or interrupt inputs do, and the memory
/// behind its slots must live as long as that.
///
/// Order matters for speed: memory slots before `createIRQChip()` cost 0.1 ms, after it up to 7 ms.
public struct VirtualMachine: ~Copyable {
  private let descriptor: Descriptor
  private let vcpuMapSize: Int

  init(descriptor: consuming Descriptor, vcpuMapSize: Int) {
    self.descriptor = descriptor
    self.vcpuMapSize = vcpuMapSize
  }

  /// Shows `range` to the guest at `address`; an empty range removes the slot.
  ///
  /// - Parameter logDirty: whether KVM notes which pages the guest writes.
  public func setMemory(
    slot: UInt32, at address: GuestAddress, _ range: HostRange, logDirty: Bool = false
  ) throws(KVMError) {
    var region = kvm_userspace_memory_region(
      slot: slot, flags: logDirty ? 1 : 0, guest_phys_addr: address.value, memory_size: UInt64(range.count),
      userspace_addr: UInt64(UInt(bitPattern: range.start)))
    try descriptor.request(.setUserMemoryRegion, pv_KVM_SET_USER_MEMORY_REGION, &region)
  }

  /// Reserves the three pages at `address` that VMX needs for real mode (api.rst 4.24), below 4 GiB and outside every slot
  /// and device. Harmless elsewhere; before the first vCPU.
  public func setTSSAddress(_ address: GuestAddress = GuestAddress(0xfffb_d000)) throws(KVMError) {
    try descriptor.request(.setTSSAddress, pv_KVM_SET_TSS_ADDR, UInt(address.value))
  }

  /// Reserves the page at `address` that VMX needs without unrestricted guests (api.rst 4.60), as `setTSSAddress`.
  public func setIdentityMapAddress(_ address: GuestAddress = GuestAddress(0xfffb_c000)) throws(KVMError) {
    var value = address.value
    try descriptor.request(.setIdentityMapAddress, pv_KVM_SET_IDENTITY_MAP_ADDR, &value)
  }

  /// Creates the in-kernel interrupt controllers: two 8259, an I/O APIC, and a local APIC for each later vCPU. GSI 0 to 15
  /// reach both the 8259 and the I/O APIC, 16 to 23 the I/O APIC alone.
  public func createIRQChip() throws(KVMError) { try descriptor.request(.createIRQChip, pv_KVM_CREATE_IRQCHIP) }

  /// Leaves the 8259, the I/O APIC and the PIT to userspace: only a local APIC for each later vCPU is in the kernel
  /// (KVM_CAP_SPLIT_IRQCHIP). GSI 0 to 23 are then the inputs of userspace's I/O APIC, whose messages the `InterruptRouter` must
  /// know: the end of a level-triggered one is an exit.
  public func createLocalAPICs() throws(KVMError) {
    try enable(UInt32(KVM_CAP_SPLIT_IRQCHIP), argument: UInt64(InterruptRouter.firstMessage))
  }

  /// Creates the in-kernel 8254 (ports 0x40 to 0x43), after the interrupt controllers. Port 0x61 is answered by the kernel
  /// too, as a speaker that makes no sound.
  public func createPIT() throws(KVMError) {
    var configuration = kvm_pit_config()
    configuration.flags = 1  // KVM_PIT_SPEAKER_DUMMY
    try descriptor.request(.createPIT, pv_KVM_CREATE_PIT2, &configuration)
  }

  /// Turns on an optional capability (a `KVM_CAP_…` number) with its first argument (KVM_ENABLE_CAP).
  public func enable(_ capability: UInt32, argument: UInt64 = 0) throws(KVMError) {
    var request = kvm_enable_cap()
    request.cap = capability
    request.args.0 = argument
    try descriptor.request(.enableCapability, pv_KVM_ENABLE_CAP, &request)
  }

  /// Creates vCPU `index`, which is also its APIC id.
  public func createVCPU(index: Int) throws(KVMError) -> VCPU {
    let raw = try descriptor.request(.createVCPU, pv_KVM_CREATE_VCPU, UInt(bitPattern: index))
    return try VCPU(descriptor: Descriptor(owning: raw), mapSize: vcpuMapSize)
  }

  /// Makes every signal of the eventfd `descriptor` one edge on `gsi`. KVM keeps its own reference to the eventfd.
  public func assignIRQFD(descriptor eventFD: Int32, gsi: UInt32) throws(KVMError) {
    try Descriptor.check(.irqFD, pv_kvm_irqfd(descriptor.raw, eventFD, gsi))
  }

  /// Signals the eventfd `descriptor` in place of an exit when the guest writes `width` bytes (0 for any width) at `address`
  /// and, unless `match` is nil, writes just that value. KVM keeps its own reference to the eventfd.
  public func assignDoorbell(
    descriptor eventFD: Int32, address: DoorbellAddress, width: Int, match: UInt64? = nil
  ) throws(KVMError) {
    let place: (address: UInt64, isPort: Int32) =
      switch address {
      case .port(let port): (UInt64(port), 1)
      case .mmio(let address): (address.value, 0)
      }
    let result = pv_kvm_ioeventfd(
      descriptor.raw, eventFD, place.address, UInt32(truncatingIfNeeded: width), place.isPort, match == nil ? 0 : 1,
      match ?? 0)
    try Descriptor.check(.ioEventFD, result)
  }

  /// Hands every access of the guest to the register `index` to userspace (KVM_CAP_X86_USER_SPACE_MSR, KVM_X86_SET_MSR_FILTER);
  /// false where this KVM cannot. Before the first vCPU.
  public func filterMSR(_ index: UInt32) throws(KVMError) -> Bool {
    guard check(KVM_CAP_X86_USER_SPACE_MSR) > 0, check(KVM_CAP_X86_MSR_FILTER) > 0 else { return false }
    try enable(UInt32(KVM_CAP_X86_USER_SPACE_MSR), argument: UInt64(KVM_MSR_EXIT_REASON_FILTER))
    try Descriptor.check(.setMSRFilter, pv_kvm_filter_msr(descriptor.raw, index))
    return true
  }

  /// What `KVM_CHECK_EXTENSION` says of `capability` for this machine (`KVMSystem.check`).
  func check(_ capability: Int32) -> Int32 {
    max(0, pv_ioctl_value(descriptor.raw, pv_KVM_CHECK_EXTENSION, UInt(UInt32(bitPattern: capability))))
  }

  /// Gathers writes to the four bytes at `place` from now on (`GatheredWrites`); nil where this KVM does not.
  public func gatherWrites(at place: DoorbellAddress) throws(KVMError) -> GatheredWrites? {
    let page = check(KVM_CAP_COALESCED_MMIO)
    let zone: (address: UInt64, isPort: Int32) =
      switch place {
      case .port(let port): (UInt64(port), 1)
      case .mmio(let address): (address.value, 0)
      }
    guard page > 0, zone.isPort == 0 || check(KVM_CAP_COALESCED_PIO) > 0 else { return nil }
    try Descriptor.check(.registerCoalesced, pv_kvm_gather_writes(descriptor.raw, zone.address, 4, zone.isPort))
    return GatheredWrites(page: Int(page))
  }

  /// A level-triggered input of the in-kernel interrupt controllers, low to begin with.
  public func interruptInput(gsi: UInt32) throws(KVMError) -> InterruptInput {
    try InterruptInput(descriptor: try duplicate(), gsi: gsi)
  }

  /// What decides which interrupt a GSI is. One for each VM: it knows the whole table.
  ///
  /// - Parameter hasControllers: whether the interrupt controllers are in the kernel (`createIRQChip`); otherwise their GSIs are
  ///   messages like all others.
  public func interruptRouter(hasControllers: Bool = true) throws(KVMError) -> InterruptRouter {
    InterruptRouter(descriptor: try duplicate(), hasControllers: hasControllers)
  }

  /// The way of messages to the local APICs.
  public func messagePort() throws(KVMError) -> MessagePort { MessagePort(descriptor: try duplicate()) }

  private func duplicate() throws(KVMError) -> Descriptor {
    let copy = fcntl(descriptor.raw, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else { throw .duplicate(errno: errno) }
    return Descriptor(owning: copy)
  }

  /// The VM's own counters.
  public func stats() throws(KVMError) -> KVMStats {
    let raw = try descriptor.request(.getStatsFD, pv_KVM_GET_STATS_FD)
    return try KVMStats(descriptor: Descriptor(owning: raw))
  }
}

/// Sends message-signalled interrupts (KVM_SIGNAL_MSI), from any thread. It keeps the VM alive.
public final class MessagePort: Sendable {
  private let descriptor: Descriptor

  init(descriptor: consuming Descriptor) { self.descriptor = descriptor }

  /// Sends `message`; false where no local APIC took it.
  @discardableResult public func send(_ message: InterruptMessage) -> Bool {
    pv_kvm_signal_msi(descriptor.raw, message.address, message.data) > 0
  }
}

/// One level-triggered interrupt input (KVM_IRQ_LINE), to be driven from any thread. It keeps the VM alive.
public final class InterruptInput: Sendable {
  /// The global system interrupt that this input is.
  public let gsi: UInt32
  private let descriptor: Descriptor

  init(descriptor: consuming Descriptor, gsi: UInt32) throws(KVMError) {
    // A first low level tells whether the VM has interrupt controllers at all: from here on nothing can fail.
    try Descriptor.check(.irqLine, pv_kvm_irq_line(descriptor.raw, gsi, 0))
    self.descriptor = descriptor
    self.gsi = gsi
  }

  /// Drives the input high (`true`) or low. Repeating a level is harmless.
  public func set(_ level: Bool) { _ = pv_kvm_irq_line(descriptor.raw, gsi, level ? 1 : 0) }
}
