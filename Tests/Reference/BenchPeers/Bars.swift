import MachineLauncher

/// What a peer is: another program that runs the same guest, or as much of it as it can.
enum Peer: String {
  /// The smallest runner, Tests/Reference/reference.c.
  case reference = "C runner"
  /// QEMU, started by pvbench-vm.
  case qemu = "QEMU"
  /// Another build of pvbench-vm.
  case build = "other build"
}

/// How the ratio of the builtin runner's figure to its peer's is judged.
enum Limit {
  /// The whole 95 % interval is at most this.
  case atMost(Double)
  /// The whole 95 % interval is at least this.
  case atLeast(Double)
  /// The whole 95 % interval is in this range.
  case within(ClosedRange<Double>)
  /// The estimate is at most this.
  case aboutAtMost(Double)
  /// The 95 % interval is not wholly below 1.
  case notSlower
  /// Nothing is asked.
  case none
}

/// One ratio, and what it has to be.
struct Bar {
  let metric: String
  let unit: String
  /// Shown units a base unit.
  let scale: Double
  let limit: Limit

  static func exit(_ metric: String, _ limit: Limit = .atMost(1.05)) -> Bar {
    Bar(metric: metric, unit: "us", scale: 1e6, limit: limit)
  }
  static func operations(_ limit: Limit) -> Bar { Bar(metric: "throughput.ops", unit: "1/s", scale: 1, limit: limit) }
  static let processor = Bar(metric: "host.cpu_seconds_per_op", unit: "us", scale: 1e6, limit: .aboutAtMost(1))
  static let start = Bar(metric: "boot.first_byte", unit: "ms", scale: 1e3, limit: .atMost(0.1))
  static let memory = Bar(
    metric: "memory.runner_overhead", unit: "MiB", scale: 1 / 1_048_576, limit: .atMost(0.1))

  static let faster = [operations(.atLeast(1.2)), processor]
  static let notSlower = [operations(.notSlower)]
}

/// A machine that both sides run, and what is asked of the ratios of their figures.
struct Duel {
  let name: String
  let peer: Peer
  let specification: MachineSpecification
  let bars: [Bar]
}

/// The rows of the table. To add a ratio: a row here.
enum Duels {
  static func all(image: String) -> [Duel] {
    let file = DiskBacking.file(path: image, isBuffered: false)
    let cached = DiskBacking.file(path: image, isBuffered: true)
    let null = DiskBacking.null(byteCount: DiskFile.byteCount)
    return [
      exits("exit to userspace, pio", "pio-out"), exits("exit to userspace, mmio", "mmio-write"),
      exits("exit into the kernel, local APIC", "lapic-read", most: 1.1),
      Duel(
        name: "start of a microvm and its memory", peer: .qemu,
        specification: disk("virtio-blk", null, depth: 1, transport: "mmio"), bars: [.start, .memory]),
      Duel(name: "virtio-blk, null, depth 1", peer: .qemu, specification: disk("virtio-blk", null), bars: Bar.faster),
      Duel(
        name: "virtio-blk, null, depth 32", peer: .qemu, specification: disk("virtio-blk", null, depth: 32),
        bars: Bar.faster),
      Duel(
        name: "virtio-blk, page cache, depth 1", peer: .qemu, specification: disk("virtio-blk", cached),
        bars: Bar.faster),
      Duel(
        name: "virtio-blk, page cache, depth 32", peer: .qemu, specification: disk("virtio-blk", cached, depth: 32),
        bars: Bar.faster),
      Duel(
        name: "virtio-net, 64 B round trips", peer: .qemu, specification: network("virtio-net", "roundtrip"),
        bars: Bar.faster),
      Duel(
        name: "virtio-net, 64 B packets", peer: .qemu, specification: network("virtio-net", "transmit"),
        bars: Bar.faster),
      Duel(
        name: "virtio-blk, O_DIRECT, depth 1", peer: .qemu, specification: disk("virtio-blk", file),
        bars: Bar.notSlower),
      Duel(
        name: "virtio-blk, O_DIRECT, depth 32", peer: .qemu, specification: disk("virtio-blk", file, depth: 32),
        bars: Bar.notSlower),
      Duel(name: "IDE by PIO", peer: .qemu, specification: disk("ide-pio", null), bars: Bar.notSlower),
      Duel(name: "IDE by DMA", peer: .qemu, specification: disk("ide-dma", null), bars: Bar.notSlower),
      Duel(
        name: "e1000, 64 B round trips", peer: .qemu, specification: network("e1000", "roundtrip"),
        bars: Bar.notSlower),
      Duel(
        name: "e1000, 64 B packets", peer: .qemu, specification: network("e1000", "transmit"), bars: Bar.notSlower),
    ]
  }

  /// The same machines under two builds of the same runner: what a change has brought.
  static func betweenBuilds(image: String) -> [Duel] {
    all(image: image).filter { $0.peer == .qemu }.map { duel in
      let bars = [Bar.operations(.none), Bar(metric: Bar.processor.metric, unit: "us", scale: 1e6, limit: .none)]
      return Duel(name: duel.name, peer: .build, specification: duel.specification, bars: bars)
    }
  }

  /// A runner that counts and looks up must not cost more than `most`; one that is much faster than the smallest measures
  /// something else.
  private static func exits(_ name: String, _ way: String, most: Double = 1.05) -> Duel {
    var specification = machine("exits", [("way", way), ("level", "ring3")])
    specification.choices["cpuid"] = "kvm"
    return Duel(
      name: name, peer: .reference, specification: specification,
      bars: [.exit("latency.p50", .within(0.9...most)), .exit("latency.min", .atMost(most))])
  }

  /// 4 KiB random reads. Nobody verifies them here: it would cost both sides the same, and tests do.
  private static func disk(
    _ controller: String, _ backing: DiskBacking, depth: Int = 1, transport: String = "pci"
  ) -> MachineSpecification {
    var specification = machine(
      "disk",
      [
        ("operation", "read"), ("access", "random"), ("block", "4096"), ("depth", "\(depth)"), ("verify", "no"),
        ("sectors", "\(DiskFile.byteCount / 512)"), ("imageseed", "1"),
      ])
    specification.disk = backing
    specification.choices["disk"] = controller
    specification.choices["transport"] = transport
    return specification
  }

  /// Datagrams of 64 B to and from a socket behind a TAP interface.
  private static func network(_ card: String, _ operation: String) -> MachineSpecification {
    let isRoundTrip = operation == "roundtrip"
    var specification = machine(
      "network",
      [("operation", operation), ("port", "tap"), ("size", "106"), ("depth", isRoundTrip ? "1" : "128"), ("rate", "0")])
    specification.network = .stack(isRoundTrip ? .echo : .sink)
    specification.choices["net"] = card
    specification.choices["transport"] = "pci"
    return specification
  }

  private static func machine(_ kernel: String, _ parameters: [(String, String)]) -> MachineSpecification {
    var specification = MachineSpecification()
    specification.kernel = kernel
    specification.parameters = parameters.map { (name: $0.0, value: $0.1) }
    specification.choices = ["completion": "interrupt", "cpuid": "kvm"]
    specification.warmupNanoseconds = 100_000_000
    specification.windowNanoseconds = 300_000_000
    return specification
  }
}
