/// One thing about a machine that can be chosen, with its possible values. A mode is a row of choices, not an `if`.
public struct Subsystem: Sendable {
  /// `disk`, `cpuid`, …: the key of `--with key=value`.
  public let name: String
  /// What it means, in one line.
  public let summary: String
  /// Every value with a line about it.
  public let values: [(name: String, summary: String)]
}

/// The table of what machines are made of. To add a device: one row here, one line in Machine's wiring.
public enum MachineProfile {
  /// Every subsystem and its values.
  public static let subsystems: [Subsystem] = [
    Subsystem(
      name: "disk", summary: "disk controller",
      values: [
        ("ide-pio", "PIIX-style IDE, ATA PIO through ports 0x1F0 and 0x3F6, IRQ 14"),
        ("ide-dma", "PIIX3 IDE function: ATA DMA by its bus master, IRQ 14"),
        ("virtio-blk", "virtio-blk: ioeventfd doorbell, irqfd completion, io_uring"),
      ]),
    Subsystem(
      name: "transport", summary: "what virtio devices are attached to",
      values: [
        ("mmio", "virtio-mmio: one interrupt and one doorbell address a device"),
        ("pci", "virtio over PCI: MSI-X, and a doorbell address for each queue"),
      ]),
    Subsystem(
      name: "backend", summary: "what stands behind the disk",
      values: [
        ("file", "a raw file or block device, O_DIRECT: by io_uring for virtio-blk, by pread and pwrite for IDE"),
        ("memory", "memory of the runner, seeded like the file"),
        ("null", "nothing: no I/O, no content, the pure cost of the path"),
      ]),
    Subsystem(
      name: "doorbell", summary: "how a virtio queue is kicked",
      values: [
        ("ioeventfd", "inside the kernel: the guest goes on at once"),
        ("exit", "by a userspace exit, whose handler wakes the I/O thread"),
      ]),
    Subsystem(
      name: "net", summary: "network card",
      values: [
        ("none", "no network card"),
        ("e1000", "Intel 82540EM in PCI slot 3: registers by exits, descriptor rings, INTx"),
        ("virtio-net", "virtio-net: ioeventfd doorbell, irqfd interrupt"),
      ]),
    Subsystem(
      name: "cpuid", summary: "hypervisor CPUID leaves",
      values: [("hidden", "no hypervisor bit, no KVM leaves"), ("kvm", "KVM signature and feature leaves")]),
    Subsystem(
      name: "console", summary: "guest log", values: [("uart", "16550A at COM1")]),
    Subsystem(
      name: "completion", summary: "how the guest's driver learns that a request has ended",
      values: [("interrupt", "by the device's interrupt"), ("polled", "by polling, interrupts off")]),
  ]

  /// The two ends of the scale: every subsystem's value by mode.
  public static let modes: [(name: String, summary: String, choices: [String: String])] = [
    (
      "full", "full emulation: what a guest without any paravirtual driver sees",
      [
        "disk": "ide-pio", "transport": "pci", "backend": "file", "doorbell": "ioeventfd", "net": "e1000",
        "cpuid": "hidden", "console": "uart", "completion": "interrupt",
      ]
    ),
    (
      "paravirt", "paravirtual devices and CPUID leaves",
      [
        "disk": "virtio-blk", "transport": "pci", "backend": "file", "doorbell": "ioeventfd", "net": "virtio-net",
        "cpuid": "kvm", "console": "uart", "completion": "interrupt",
      ]
    ),
  ]

  /// The mode's choices; nil for an unknown mode.
  public static func choices(of mode: String) -> [String: String]? { modes.first { $0.name == mode }?.choices }
}
