/// The words for ways out of the guest, which is what the suite `exits` is about: there a component of an id may mean another
/// thing than elsewhere.
enum WayOutName {
  /// By the component behind the suite.
  static let ways = [
    "empty": "an empty measurement", "pio": "port I/O to the runner", "pit": "port I/O to the 8254",
    "pic": "port I/O to the 8259",
    "string": "string I/O to the runner", "sector": "a sector by string I/O",
    "mmio": "MMIO to the runner", "ioeventfd": "doorbells of an ioeventfd",
    "coalesced": "writes that KVM gathers", "lapic": "local APIC by MMIO", "x2apic": "local APIC by MSR",
    "cpuid": "CPUID", "rdmsr": "RDMSR", "wrmsr": "WRMSR", "hypercall": "hypercalls",
    "ipi": "interrupts to another vCPU", "wake": "wakes from HLT", "eoi": "interrupts to oneself, with their end",
    "fault": "page faults", "tlb": "TLB flushes", "syscall": "SYSCALL and SYSRET", "exception": "exceptions",
  ]
  /// By the components behind that.
  static let words = [
    "out": "write", "in": "read", "pio": "port", "mmio": "MMIO", "user": "handed to the runner", "ring0": "in ring 0",
    "ipi": "IPI", "broadcast": "to all others at once", "beside": "on the same CPU", "across": "on another CPU",
    "wake": "that wakes a thread", "pv": "paravirtual", "apic": "by the APIC", "xapic": "by MMIO", "x2apic": "by MSR",
    "guest": "inside the guest", "host": "of the host", "cr3": "by CR3", "invlpg": "by INVLPG",
    "remote": "on another vCPU", "breakpoint": "INT3", "undefined": "#UD", "protection": "#GP", "fault": "#PF",
    "kick": "KVM_HC_KICK_CPU", "yield": "KVM_HC_SCHED_YIELD", "unknown": "an unknown one",
  ]
}
