import MachineLauncher
import PVWire

/// What cannot be measured, and why: the one place that turns a cell into `skipped(reason)` before any guest is started.
enum Feasibility {
  private typealias Rule = @Sendable (Workload, Mode) -> String?

  /// What a guest uses only where CPUID shows KVM's leaves.
  private static let needsLeaves: KeyValuePairs = [
    "clock": "kvmclock", "eoi": "pv", "ipi": "hypercall", "lock": "kick",
  ]

  private static let rules: [Rule] = [
    { workload, mode in
      // A variant of something that the workload's machine does not have would be a copy of its base row.
      mode.overrides.keys.sorted().first { !workload.uses($0) }.map { "\(workload.kernel) workloads do not use \($0)" }
    },
    { workload, mode in
      let isDeep = workload.isDisk && (workload.number("depth") ?? 1) > 1
      return isDeep && hasIDE(mode) ? "IDE has queue depth 1 only" : nil
    },
    { workload, mode in
      let card = workload.network != .none && mode.choices["net"] == "e1000" ? "the e1000" : nil
      guard let device = workload.uses("disk") && hasIDE(mode) ? "IDE" : card else { return nil }
      if mode.choices["doorbell"] == "exit" { return "\(device) has no doorbell to choose" }
      return mode.choices["transport"] == "mmio" ? "\(device) has no virtio transport to choose" : nil
    },
    { workload, mode in
      workload.isDisk && hasIDE(mode) && choice("backend", of: workload, in: mode) == "sqpoll"
        ? "IDE does not use io_uring" : nil
    },
    { workload, _ in
      guard workload.isDisk, let block = workload.number("block"), let depth = workload.number("depth") else {
        return nil
      }
      return depth > MemoryMap.diskBuffers / block ? "the guest has buffers for 8 MiB in flight" : nil
    },
    { workload, mode in
      workload.network != .none && mode.choices["net"] == "none" ? "no network card in this mode" : nil
    },
    { workload, mode in
      guard workload.network != .none, mode.choices["net"] == "vhost-net" else { return nil }
      if case .stack = workload.network { return nil }
      if workload.network == .iperf3 { return nil }
      return "vhost-net serves a TAP interface, not '\(workload.parameter("port") ?? "")'"
    },
    { workload, mode in
      guard mode.choices["cpuid"] != "kvm" else { return nil }
      return needsLeaves.first { workload.uses($0.key) && choice($0.key, of: workload, in: mode) == $0.value }
        .map { "\($0.key)=\($0.value) needs cpuid=kvm" }
    },
    { workload, mode in
      guard workload.kernel == "console", mode.choices["console"] == "uart" else { return nil }
      if mode.choices["doorbell"] == "exit" { return "a UART has no doorbell to choose" }
      return mode.choices["transport"] == "mmio" ? "a UART has no virtio transport to choose" : nil
    },
    { workload, mode in
      workload.uses("entropy") && mode.choices["entropy"] == "none" ? "no entropy device in this mode" : nil
    },
    { workload, mode in
      workload.uses("memory") && mode.choices["memory"] == "plain" ? "no balloon in this mode" : nil
    },
    { workload, mode in
      workload.uses("memory") && ["2m", "1g"].contains(mode.choices["pages"])
        ? "a balloon gives back pages of 4 KiB, and hugetlb pages have none" : nil
    },
    { workload, mode in
      mode.choices["irqchip"] == "split" && needsPIC(workload, mode)
        ? "irqchip=split has no 8259 and no PIT" : nil
    },
    { workload, mode in
      // A row that fixes what a choice decides would make that variant a copy of its base row.
      mode.overrides.sorted { $0.key < $1.key }.lazy.compactMap { key, value -> String? in
        guard let fixed = workload.parameter(key), fixed != value else { return nil }
        return "the workload fixes \(key)=\(fixed)"
      }.first
    },
    { workload, mode in
      workload.requires.sorted { $0.key < $1.key }.lazy.compactMap { key, values -> String? in
        guard let value = mode.choices[key], !values.contains(value) else { return nil }
        return "needs \(key)=\(values.joined(separator: " or ")), this mode has \(value)"
      }.first
    },
  ]

  /// What the workload's machine has: the row's own value, where it fixes one.
  private static func choice(_ name: String, of workload: Workload, in mode: Mode) -> String? {
    workload.parameter(name) ?? mode.choices[name]
  }

  /// True for what this guest does by the 8259 or the 8254 only.
  private static func needsPIC(_ workload: Workload, _ mode: Mode) -> Bool {
    let interruptsByIDE =
      workload.isDisk && hasIDE(mode) && choice("completion", of: workload, in: mode) == "interrupt"
    return interruptsByIDE
      || ["clock", "timer"].contains { workload.uses($0) && choice($0, of: workload, in: mode) == "pit" }
  }

  private static func hasIDE(_ mode: Mode) -> Bool { ["ide-pio", "ide-dma"].contains(mode.choices["disk"]) }

  /// Why `workload` cannot be measured in `mode` with an image of `imageBytes`; nil where it can.
  static func obstacle(_ workload: Workload, in mode: Mode, imageBytes: UInt64) -> String? {
    guard workload.isDisk else { return rules.lazy.compactMap { $0(workload, mode) }.first }
    let reach = (workload.number("block") ?? 0).multipliedReportingOverflow(by: workload.number("depth") ?? 1)
    guard !reach.overflow, reach.partialValue <= imageBytes else {
      return "the image is too small for every queue slot to have a block"
    }
    return rules.lazy.compactMap { $0(workload, mode) }.first
  }

  /// Why the cell's runner cannot run its guest, which has `vcpus` where its row does not say; nil where it can.
  static func obstacle(to cell: PlannedCell, vcpus: Int) -> String? {
    guard cell.program != .bare || cell.workload.runsAsProcess else {
      return "the workload needs a machine (a device, ring 0 or hugetlb pages) and does not run natively"
    }
    return QEMUSupport.obstacle(
      runner: cell.program, kernel: cell.workload.kernel, choices: cell.choices, network: cell.workload.network,
      vcpus: cell.workload.number("vcpus").map(Int.init) ?? vcpus)
  }
}
