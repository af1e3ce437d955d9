/// One thing about a machine that can be chosen, with its possible values. A mode is a row of choices, not an `if`.
public struct Subsystem: Sendable {
  /// `disk`, `cpuid`, …: the key of `--with key=value`.
  public let name: String
  /// What it means, in one line.
  public let summary: String
  /// Its value in full emulation.
  public let full: String
  /// Its value in the paravirtual mode.
  public let paravirt: String
  /// True where it changes every machine; otherwise only those whose workload uses it.
  public let isUniversal: Bool
  /// True where it says on which CPUs and memory the machine is, not what it is made of.
  public let isPlacement: Bool
  /// True where the guest decides by it what it does: it is told as a parameter of the subsystem's name.
  public let isToldToGuest: Bool
  /// Every value with a line about it.
  public let values: [(name: String, summary: String)]
  /// Those that few hosts offer: no covering set asks for them.
  public let rareValues: Set<String>

  init(
    _ name: String, _ summary: String, full: String, paravirt: String, isUniversal: Bool = false,
    isPlacement: Bool = false, isToldToGuest: Bool = false, values: [(name: String, summary: String)],
    rareValues: Set<String> = []
  ) {
    self.name = name
    self.summary = summary
    self.full = full
    self.paravirt = paravirt
    self.isUniversal = isUniversal
    self.isPlacement = isPlacement
    self.isToldToGuest = isToldToGuest
    self.values = values
    self.rareValues = rareValues
  }
}

/// The table of what machines are made of. To add a device: one row here, one line in Machine's wiring.
public enum MachineProfile {
  /// Every subsystem, its values, and which of them the two modes have.
  public static let subsystems: [Subsystem] = [
    Subsystem(
      "disk", "disk controller", full: "ide-pio", paravirt: "virtio-blk",
      values: [
        ("ide-pio", "PIIX-style IDE, ATA PIO through ports 0x1F0 and 0x3F6, IRQ 14"),
        ("ide-dma", "PIIX3 IDE function: ATA DMA by its bus master, IRQ 14"),
        ("virtio-blk", "virtio-blk: ioeventfd doorbell, irqfd completion, io_uring"),
      ]),
    Subsystem(
      "transport", "what virtio devices are attached to", full: "pci", paravirt: "pci",
      values: [
        ("mmio", "virtio-mmio: one interrupt and one doorbell address a device"),
        ("pci", "virtio over PCI: MSI-X, and a doorbell address for each queue"),
      ]),
    Subsystem(
      "backend", "what stands behind the disk", full: "file", paravirt: "file",
      values: [
        ("file", "a raw file or block device, O_DIRECT: by io_uring for virtio-blk, by pread and pwrite for IDE"),
        ("cached", "the same file through the host's page cache, which holds all of it: no disk takes part"),
        ("memory", "memory of the runner, seeded like the file"),
        ("null", "nothing: no I/O, no content, the pure cost of the path"),
      ]),
    Subsystem(
      "doorbell", "how a virtio queue is kicked", full: "ioeventfd", paravirt: "ioeventfd",
      values: [
        ("ioeventfd", "inside the kernel: the guest goes on at once"),
        ("exit", "by a userspace exit, whose handler wakes the I/O thread"),
      ]),
    Subsystem(
      "net", "network card", full: "e1000", paravirt: "virtio-net",
      values: [
        ("none", "no network card"),
        ("e1000", "Intel 82540EM in PCI slot 3: registers by exits, descriptor rings, INTx"),
        ("virtio-net", "virtio-net: ioeventfd doorbell, irqfd interrupt"),
        ("vhost-net", "virtio-net whose queues the host's kernel serves, from and to a TAP interface (/dev/vhost-net)"),
      ]),
    Subsystem(
      "ipi", "how one vCPU interrupts another", full: "xapic", paravirt: "hypercall", isToldToGuest: true,
      values: [
        ("xapic", "the local APIC's command register by MMIO"),
        ("x2apic", "the local APIC's command register by MSR"),
        ("hypercall", "KVM_HC_SEND_IPI"),
      ]),
    Subsystem(
      "eoi", "how the guest ends an interrupt", full: "apic", paravirt: "pv", isToldToGuest: true,
      values: [
        ("apic", "by a write to the local APIC"),
        ("pv", "by KVM's flag in memory where it is set, without any exit"),
      ]),
    Subsystem(
      "lock", "how a vCPU waits for a lock", full: "spin", paravirt: "kick", isToldToGuest: true,
      values: [
        ("spin", "awake, by pause loops"),
        ("kick", "halted after a while, until KVM_HC_KICK_CPU wakes it"),
      ]),
    Subsystem(
      "pages", "what guest RAM is made of on the host", full: "4k", paravirt: "thp", isUniversal: true,
      values: [
        ("4k", "pages of 4 KiB, each mapped when it is first touched"),
        ("thp", "transparent huge pages of 2 MiB where the host has them"),
        ("2m", "pages of 2 MiB of the pool that the host's administrator has reserved (hugetlb)"),
        ("1g", "pages of 1 GiB of such a pool"),
      ], rareValues: ["2m", "1g"]),
    Subsystem(
      "numa", "on which NUMA nodes the guest's threads and memory are", full: "local", paravirt: "local",
      isUniversal: true, isPlacement: true,
      values: [
        ("local", "all on one node, as far as it has the CPUs"),
        ("spread", "threads and pages taking turns over all nodes"),
        ("remote", "memory on the node that is farthest from the threads"),
      ]),
    Subsystem(
      "entropy", "source of random bytes", full: "none", paravirt: "virtio-rng",
      values: [
        ("none", "no device"),
        ("virtio-rng", "virtio-rng: buffers filled from the host's getrandom"),
      ]),
    Subsystem(
      "memory", "what becomes of RAM that the guest does not need", full: "plain", paravirt: "balloon",
      values: [
        ("plain", "it stays the guest's"),
        ("balloon", "virtio-balloon: inflated and reported pages go back to the host"),
      ]),
    Subsystem(
      "irqchip", "where the interrupt controllers are", full: "kernel", paravirt: "kernel", isUniversal: true,
      values: [
        ("kernel", "all in the kernel: 8259, I/O APIC, local APICs"),
        ("split", "local APICs in the kernel, the I/O APIC in the runner; no 8259, no 8254"),
      ]),
    Subsystem(
      "cpuid", "hypervisor CPUID leaves", full: "hidden", paravirt: "kvm", isUniversal: true,
      values: [("hidden", "no hypervisor bit, no KVM leaves"), ("kvm", "KVM signature and feature leaves")]),
    Subsystem(
      "console", "guest's console", full: "uart", paravirt: "virtio-console",
      values: [
        ("uart", "16550A at COM1"),
        ("virtio-console", "virtio-console: a buffer at a time, beside the 16550A that is always there"),
      ]),
    Subsystem(
      "completion", "how the guest's driver learns that a request has ended", full: "interrupt", paravirt: "interrupt",
      isToldToGuest: true,
      values: [("interrupt", "by the device's interrupt"), ("polled", "by polling, interrupts off")]),
    Subsystem(
      "clock", "how the guest reads the time", full: "pmtimer", paravirt: "kvmclock", isToldToGuest: true,
      values: [
        ("pmtimer", "ACPI PM timer at port 0x608, 3.579545 MHz: a userspace exit a read"),
        ("pit", "counter 0 of the in-kernel 8254, latched: three exits that the kernel answers a read"),
        ("rtc", "CMOS clock at ports 0x70 and 0x71, in seconds: four userspace exits a read and more"),
        ("tsc", "time stamp counter: no exit"),
        ("kvmclock", "KVM's page of TSC factor and origin: no exit"),
      ]),
    Subsystem(
      "timer", "what interrupts the guest at a deadline", full: "lapic", paravirt: "tsc-deadline", isToldToGuest: true,
      values: [
        ("pit", "counter 0 of the in-kernel 8254, one-shot, IRQ 0 of the 8259"),
        ("lapic", "the local APIC's timer, one-shot, by xAPIC MMIO"),
        ("tsc-deadline", "the local APIC's timer, armed by MSR 0x6E0"),
      ]),
  ]

  /// The subsystems that the guest is told of.
  public static let toldToGuest = subsystems.filter(\.isToldToGuest).map(\.name)

  /// The two ends of the scale: every subsystem's value by mode.
  public static let modes: [(name: String, summary: String, choices: [String: String])] = [
    ("full", "full emulation: what a guest without any paravirtual driver sees", row(\.full)),
    ("paravirt", "paravirtual devices and CPUID leaves", row(\.paravirt)),
  ]

  /// The mode's choices; nil for an unknown mode.
  public static func choices(of mode: String) -> [String: String]? { modes.first { $0.name == mode }?.choices }

  private static func row(_ value: (Subsystem) -> String) -> [String: String] {
    Dictionary(uniqueKeysWithValues: subsystems.map { ($0.name, value($0)) })
  }
}
