import CLinuxKVM
import Glibc
import GuestMemory
import KVM
import Testing

@Suite("the state of a vCPU", .enabled(if: Host.hasKVM, "/dev/kvm cannot be opened"))
struct StateTests {
  @Test func longModeIsWhatWasAskedFor() throws {
    let guest = try TestGuest(Code.hlt)
    let system = try guest.vcpu.systemRegisters()
    #expect(system.cr0 == 0x8005_0033)
    #expect(system.cr3 == 0x1000)
    #expect(system.cr4 & 0x620 == 0x620)
    #expect(system.efer == 0xd01)
    #expect(system.cs.l == 1)
    #expect(system.tr.type == 11)
    let general = try guest.vcpu.registers()
    #expect(general.rip == TestGuest.code.value)
    #expect(general.rsp == 0x80000)
    #expect(general.rflags == 2)
  }

  @Test func registersReadBack() throws {
    let guest = try TestGuest(Code.hlt)
    var registers = try guest.vcpu.registers()
    registers.r15 = 0x0123_4567_89ab_cdef
    try guest.vcpu.setRegisters(registers)
    #expect(try guest.vcpu.registers().r15 == 0x0123_4567_89ab_cdef)
  }

  @Test func modelSpecificRegistersReadBack() throws {
    let guest = try TestGuest(Code.hlt)
    try guest.vcpu.setMSR(0xc000_0082, 0xffff_8000_1234_5678)  // LSTAR
    #expect(try guest.vcpu.msr(0xc000_0082) == 0xffff_8000_1234_5678)
  }

  @Test func anUnknownModelSpecificRegisterIsNamed() throws {
    let guest = try TestGuest(Code.hlt)
    #expect(throws: KVMError.msr(index: 0x1234_5678)) { _ = try guest.vcpu.msr(0x1234_5678) }
  }

  @Test func theTSCHasAFrequency() throws {
    let guest = try TestGuest(Code.hlt)
    #expect(try guest.vcpu.tscKHz() > 100_000)
  }

  @Test func aLocalAPICRegisterIsSet() throws {
    let guest = try TestGuest(Code.hlt, hasIRQChip: true)
    try guest.vcpu.setLocalAPICRegister(at: 0x350, to: 0x10000)
  }

  @Test func aSecondVCPUWaitsUntilItIsMadeRunnable() throws {
    let guest = try TestGuest(Code.hlt, hasIRQChip: true)
    let second = try guest.vm.createVCPU(index: 1)
    #expect(try second.runningState() == .uninitialized)
    try second.setRunningState(.runnable)
    #expect(try second.runningState() == .runnable)
  }
}

@Suite("what KVM refuses")
struct RefusalTests {
  @Test func aMissingDeviceSaysWhatToDo() {
    let error = #expect(throws: KVMError.self) { _ = try KVMSystem(path: "/nonexistent/kvm").vcpuMapSize }
    #expect(
      error?.description
        == "cannot open /nonexistent/kvm: no such file or directory (load kvm_intel or kvm_amd, or enable virtualisation in the firmware)"
    )
  }

  @Test func aForbiddenDeviceSaysWhatToDo() {
    #expect(
      KVMError.open(path: "/dev/kvm", errno: EACCES).description
        == "cannot open /dev/kvm: permission denied (add yourself to group kvm, or run as root)")
  }

  @Test func anotherDeviceIsNotKVM() {
    #expect(throws: KVMError.notKVM(path: "/dev/null", errno: ENOTTY)) {
      _ = try KVMSystem(path: "/dev/null").vcpuMapSize
    }
    #expect(
      KVMError.notKVM(path: "/dev/null", errno: ENOTTY).description
        == "/dev/null is not a KVM device: inappropriate ioctl for device (name the host's KVM device, usually /dev/kvm)"
    )
  }

  @Test func anErrorNamesItsRequest() {
    #expect(KVMError.ioctl(.createVCPU, errno: EEXIST).description == "KVM_CREATE_VCPU failed: file exists")
  }

  @Test(.enabled(if: Host.hasKVM, "/dev/kvm cannot be opened"))
  func aVCPUExistsOnce() throws {
    let guest = try TestGuest(Code.hlt)
    #expect(throws: KVMError.ioctl(.createVCPU, errno: EEXIST)) { _ = try guest.vm.createVCPU(index: 0).stopper }
  }

  @Test(.enabled(if: Host.hasKVM, "/dev/kvm cannot be opened"))
  func overlappingMemoryIsRefused() throws {
    let guest = try TestGuest(Code.hlt)
    #expect(throws: KVMError.ioctl(.setUserMemoryRegion, errno: EEXIST)) {
      try guest.vm.setMemory(slot: 1, at: GuestAddress(0x1000), guest.memory.slot)
    }
  }

  @Test(.enabled(if: Host.hasKVM, "/dev/kvm cannot be opened"))
  func aPITNeedsInterruptControllers() throws {
    let guest = try TestGuest(Code.hlt)
    #expect(throws: KVMError.ioctl(.createPIT, errno: ENOENT)) { try guest.vm.createPIT() }
  }

  @Test(.enabled(if: Host.hasKVM, "/dev/kvm cannot be opened"))
  func failuresLeaveNoDescriptorOpen() throws {
    let guest = try TestGuest(Code.hlt)
    let before = openDescriptors()
    for _ in 0..<200 {
      #expect(throws: KVMError.self) { _ = try KVMSystem(path: "/dev/null").vcpuMapSize }
      #expect(throws: KVMError.self) { _ = try guest.vm.interruptInput(gsi: 4) }
      _ = try guest.vm.stats().counters.count
    }
    // Other tests open and close a few of their own at the same time.
    #expect(openDescriptors() < before + 100)
  }

  private func openDescriptors() -> Int { (0..<4096).count { fcntl($0, F_GETFD) >= 0 } }
}
