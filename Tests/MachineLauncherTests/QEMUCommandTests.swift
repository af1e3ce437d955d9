import MachineLauncher
import Testing

@Suite("QEMU's command line")
struct QEMUCommandTests {
  private static let files = QEMUFiles(guest: "/g", orders: "/o", bells: "/b", console: "/c")

  private func specification(_ choices: [String: String], disk: DiskBacking = .null(byteCount: 4096))
    -> MachineSpecification
  {
    var specification = MachineSpecification()
    specification.runner = .qemu
    specification.choices = choices
    specification.disk = disk
    return specification
  }

  private func arguments(_ specification: MachineSpecification, tap: Int32? = nil) -> [String] {
    var files = Self.files
    files.tap = tap
    return QEMUCommand(specification, files: files).arguments
  }

  /// What stands behind an option, every time that it occurs.
  private func values(_ option: String, _ arguments: [String]) -> [String] {
    zip(arguments, arguments.dropFirst()).filter { $0.0 == option }.map { $0.1 }
  }

  @Test func aMachineOfVirtioOverMMIOIsAMicroVM() {
    let machine = specification(["disk": "virtio-blk", "transport": "mmio", "cpuid": "kvm"])
    #expect(
      arguments(machine) == [
        "-M", "microvm,acpi=off,x-option-roms=off,pit=off,pic=off,rtc=off,isa-serial=on",
        "-global", "virtio-mmio.force-legacy=false", "-accel", "kvm", "-cpu", "host,-arch-capabilities",
        "-m", "65536k", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-name", "pvbench,debug-threads=on", "-kernel", "/g", "-initrd", "/o",
        "-chardev", "file,id=bells,path=/b", "-device", "isa-debugcon,iobase=0x5056,chardev=bells",
        "-chardev", "file,id=console,path=/c", "-serial", "chardev:console",
        "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
        "-blockdev", "null-co,node-name=disk,size=4096,read-zeroes=off", "-object", "iothread,id=io",
        "-device", "virtio-blk-device,drive=disk,iothread=io",
      ])
  }

  @Test(arguments: [
    ["disk": "virtio-blk", "transport": "pci"], ["disk": "ide-dma", "transport": "mmio"], ["disk": "ide-pio"],
  ])
  func everyOtherMachineIsAPCWithQboot(choices: [String: String]) {
    let arguments = arguments(specification(choices))
    #expect(values("-M", arguments).first?.hasPrefix("pc,") == true)
    #expect(values("-bios", arguments) == ["qboot.rom"])
  }

  @Test func IDEIsTheMasterOfTheFirstChannel() {
    #expect(
      values("-device", arguments(specification(["disk": "ide-pio"]))).contains("ide-hd,drive=disk,bus=ide.0,unit=0"))
  }

  @Test func hiddenLeavesAreHidden() {
    #expect(
      values("-cpu", arguments(specification(["cpuid": "hidden"])))
        == ["host,-arch-capabilities,kvm=off,hypervisor=off"])
  }

  @Test func interpretedGuestsHaveNoKVM() {
    var machine = specification(["disk": "virtio-blk", "irqchip": "split"])
    machine.runner = .qemuTCG
    #expect(values("-accel", arguments(machine)) == ["tcg"])
    #expect(values("-cpu", arguments(machine)) == ["max"])
  }

  @Test func aSplitIrqchipIsSplit() {
    #expect(values("-accel", arguments(specification(["irqchip": "split"]))) == ["kvm,kernel-irqchip=split"])
  }

  @Test(arguments: [
    (
      DiskBacking.file(path: "/a,b", isBuffered: false), false,
      "file,node-name=disk,filename=/a,,b,locking=off,aio=io_uring,cache.direct=on"
    ),
    (
      DiskBacking.file(path: "/a", isBuffered: true), false,
      "file,node-name=disk,filename=/a,locking=off,aio=io_uring,cache.direct=off"
    ),
    (
      DiskBacking.file(path: "/dev/x", isBuffered: false), true,
      "host_device,node-name=disk,filename=/dev/x,locking=off,aio=io_uring,cache.direct=on"
    ),
  ])
  func filesAreOpenedAsTheBuiltinRunnerOpensThem(disk: DiskBacking, isDevice: Bool, node: String) {
    var files = Self.files
    files.isBlockDevice = isDevice
    let command = QEMUCommand(specification(["disk": "virtio-blk"], disk: disk), files: files)
    #expect(values("-blockdev", command.arguments) == [node])
  }

  @Test func doorbellsThatExitHaveNoIOThread() {
    let pci = arguments(specification(["disk": "virtio-blk", "doorbell": "exit"]))
    #expect(values("-device", pci).last == "virtio-blk-pci,disable-legacy=on,ioeventfd=off,drive=disk")
    #expect(values("-object", pci).isEmpty)
    let mmio = arguments(specification(["disk": "virtio-blk", "doorbell": "exit", "transport": "mmio"]))
    #expect(values("-global", mmio).contains("virtio-mmio.ioeventfd=off"))
  }

  @Test(arguments: [
    (["net": "e1000"], "e1000,addr=3,netdev=net,mac=52:54:00:70:76:02,romfile="),
    (["net": "virtio-net"], "virtio-net-pci,disable-legacy=on,netdev=net,mac=52:54:00:70:76:02,romfile="),
    (["net": "virtio-net", "transport": "mmio"], "virtio-net-device,netdev=net,mac=52:54:00:70:76:02"),
  ])
  func everyCardHasTheAddressOfItsStation(choices: [String: String], device: String) {
    var machine = specification(choices, disk: .none)
    machine.network = .stack(.echo)
    machine.station = 2
    let arguments = arguments(machine, tap: 9)
    #expect(values("-device", arguments).last == device)
    #expect(values("-netdev", arguments) == ["tap,id=net,fd=9,vhost=off"])
  }

  @Test(arguments: [
    ([0], "memory-backend-ram,id=ram,size=67108864,host-nodes=0,policy=bind"),
    ([0, 1], "memory-backend-ram,id=ram,size=67108864,host-nodes=0,host-nodes=1,policy=interleave"),
  ])
  func memoryIsWhereItIsBound(nodes: [Int], object: String) {
    var machine = specification(["disk": "ide-pio"])
    machine.memoryNodes = nodes
    #expect(values("-object", arguments(machine)) == [object])
    #expect(values("-machine", arguments(machine)) == ["memory-backend=ram"])
  }

  @Test func anotherGuestIsBehindASocket() {
    var machine = specification(["net": "e1000"], disk: .none)
    machine.network = .socket(descriptor: 3)
    #expect(values("-netdev", arguments(machine)) == ["dgram,id=net,local.type=fd,local.str=3"])
  }
}

@Suite("what QEMU has")
struct QEMUSupportTests {
  private func obstacle(
    _ kernel: String, _ choices: [String: String] = [:], network: NetworkBacking = .none, vcpus: Int = 1,
    runner: GuestRunner = .qemu
  ) -> String? {
    QEMUSupport.obstacle(runner: runner, kernel: kernel, choices: choices, network: network, vcpus: vcpus)
  }

  @Test func theBuiltinRunnerHasEverything() {
    #expect(obstacle("lock", ["backend": "memory"], network: .echo, vcpus: 4, runner: .builtin) == nil)
  }

  @Test(arguments: [GuestRunner.qemu, .qemuTCG])
  func disksAndSharedNetworksRun(runner: GuestRunner) {
    #expect(obstacle("disk", ["backend": "null"], runner: runner) == nil)
    #expect(obstacle("network", network: .stack(.sink), runner: runner) == nil)
    #expect(obstacle("network", network: .peer, runner: runner) == nil)
  }

  @Test(arguments: [NetworkBacking.echo, .sink, .source(size: 64, rate: 0)])
  func portsInsideTheRunnerAreNamed(network: NetworkBacking) {
    #expect(obstacle("network", network: network)?.hasPrefix("QEMU has no such back end") == true)
  }

  @Test func whatElseItLacksIsNamed() {
    #expect(obstacle("disk", ["backend": "memory"]) == "QEMU has no such back end (memory of the runner)")
    #expect(
      obstacle("network", ["net": "vhost-net"], network: .stack(.echo))
        == "net=vhost-net runs under the builtin runner only")
    #expect(obstacle("lock") == "lock workloads run under the builtin runner only")
    #expect(obstacle("clock", ["clock": "kvmclock"]) == nil)
    #expect(obstacle("clock", ["clock": "kvmclock"], runner: .qemuTCG) == "clock=kvmclock needs KVM")
    #expect(obstacle("disk", ["pages": "2m"]) == "pages=2m runs under the builtin runner only")
    #expect(obstacle("disk", vcpus: 2) == "the guest starts further processors under the builtin runner only")
    #expect(obstacle("disk", runner: .kvmtool)?.hasPrefix("kvmtool boots Linux kernels") == true)
  }

  @Test(arguments: [
    ("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)", QEMUVersion(major: 7, minor: 2)),
    ("QEMU emulator version 10.0", QEMUVersion(major: 10, minor: 0)),
  ])
  func versionsAreRead(line: String, version: QEMUVersion) {
    #expect(QEMUVersion(parsing: line) == version)
  }

  @Test(arguments: ["", "QEMU emulator version ", "QEMU emulator version 7", "qemu 7.2", "QEMU emulator version x.y"])
  func otherWordsAreNoVersion(line: String) {
    #expect(QEMUVersion(parsing: line) == nil)
  }

  @Test func versionsAreOrderedByNumbers() {
    #expect(QEMUVersion(major: 7, minor: 10) > QEMUVersion(major: 7, minor: 2))
    #expect(QEMUVersion(major: 6, minor: 9) < QEMUSupport.oldestVersion)
  }
}
