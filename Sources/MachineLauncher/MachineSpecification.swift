/// What stands behind a guest's disk.
public enum DiskBacking: Equatable, Sendable {
  /// A raw file or block device; O_DIRECT unless `isBuffered`.
  case file(path: String, isBuffered: Bool)
  /// A raw file or block device, O_DIRECT, whose requests a thread of the kernel takes from io_uring (IORING_SETUP_SQPOLL).
  case polledFile(path: String)
  /// Memory of the runner: zero-filled, or holding generation 0 of the image with this seed.
  case memory(byteCount: UInt64, imageSeed: UInt64? = nil)
  /// A size without content: writes vanish, and reads bring nothing that could be verified.
  case null(byteCount: UInt64)
  /// No disk at all.
  case none

  /// True where what is read comes past the page cache.
  public var isDirect: Bool {
    switch self {
    case .file(_, let isBuffered): !isBuffered
    case .polledFile: true
    case .memory, .null, .none: false
    }
  }
}

/// What stands behind a guest's network card.
public enum NetworkBacking: Equatable, Sendable, CustomStringConvertible {
  /// No network card at all.
  case none
  /// Every frame comes back.
  case echo
  /// Every frame is taken.
  case sink
  /// Frames of `size` bytes (60 to 65,549) come in, `rate` a second or, with 0, as fast as they are taken; what is sent is
  /// taken.
  case source(size: Int, rate: UInt64)
  /// An inherited SOCK_SEQPACKET socket, whose other end is another guest's.
  case socket(descriptor: Int32)
  /// A TAP interface of this name, made in the runner's network namespace.
  case tap(name: String)
  /// The host's own network stack, in a network namespace of this guest's own, with a UDP socket that serves.
  case stack(StackService)
  /// The same with a server of iperf3, the host's own program, in place of that socket.
  case iperf3

  /// Another guest, which this runner starts and ends: made of the same choices, and answering.
  case peer

  /// What the host's UDP socket does.
  public enum StackService: String, Sendable {
    /// Sends every datagram back.
    case echo
    /// Takes and checks every datagram, and acknowledges them.
    case sink
  }

  /// The forms of a description.
  public static let forms =
    "none, echo, sink, source:SIZE:RATE, socket:FD, tap:NAME, stack:echo, stack:sink, iperf3 or peer"

  /// `none`, `echo`, `sink`, `source:SIZE:RATE`, `socket:FD`, `tap:NAME`, `stack:echo`, `stack:sink`,
  /// `iperf3` or `peer`.
  public var description: String {
    switch self {
    case .none: "none"
    case .echo: "echo"
    case .sink: "sink"
    case .source(let size, let rate): "source:\(size):\(rate)"
    case .socket(let descriptor): "socket:\(descriptor)"
    case .tap(let name): "tap:\(name)"
    case .stack(let service): "stack:\(service.rawValue)"
    case .iperf3: "iperf3"
    case .peer: "peer"
    }
  }

  /// Reads a description back; nil where it is none.
  public init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    switch (parts[0], parts.count) {
    case ("none", 1): self = .none
    case ("echo", 1): self = .echo
    case ("sink", 1): self = .sink
    case ("source", 3):
      guard let size = Int(parts[1]), (60...65_549).contains(size), let rate = UInt64(parts[2]), rate <= 1_000_000_000
      else { return nil }
      self = .source(size: size, rate: rate)
    case ("socket", 2):
      guard let descriptor = Int32(parts[1]), descriptor >= 0 else { return nil }
      self = .socket(descriptor: descriptor)
    case ("peer", 1): self = .peer
    case ("iperf3", 1): self = .iperf3
    case ("tap", 2): self = .tap(name: parts[1])
    case ("stack", 2):
      guard let service = StackService(rawValue: parts[1]) else { return nil }
      self = .stack(service)
    default: return nil
    }
  }
}

/// Why a command line for the runner cannot be understood.
public enum SpecificationError: Error, Equatable, CustomStringConvertible {
  case unknownArgument(String)
  case badValue(argument: String, expected: String)

  /// What happened, in one line.
  public var description: String {
    switch self {
    case .unknownArgument(let text): "unknown argument '\(text)'"
    case .badValue(let argument, let expected): "'\(argument)': expected \(expected)"
    }
  }
}

/// Everything that a runner process needs to know of the one guest that it runs. It travels as command-line arguments, so
/// that any guest of any run can be started again by hand.
public struct MachineSpecification: Equatable, Sendable {
  /// Number of vCPUs.
  public var vcpus = 1
  /// Guest RAM in bytes.
  public var memory: UInt64 = 64 << 20
  /// Value of every subsystem (`MachineProfile.subsystems`).
  public var choices: [String: String] = [:]
  /// The disk.
  public var disk = DiskBacking.none
  /// What is behind the network card.
  public var network = NetworkBacking.none
  /// The last byte of the network card's hardware address (1 to 254): guests on one link differ in it.
  public var station = 1
  /// The process that must outlive this one; nil where that is whoever starts it.
  public var parent: Int32?
  /// CLOCK_MONOTONIC in nanoseconds when the runner's process was asked for; nil where nobody noted it.
  public var spawnedNanoseconds: UInt64?
  /// Name of the guest's workload kernel.
  public var kernel = ""
  /// Its parameters: a decimal number or a word each.
  public var parameters: [(name: String, value: String)] = []
  /// Seed of the guest's pseudo-random sequences.
  public var seed: UInt64 = 1
  /// Warm-up in nanoseconds.
  public var warmupNanoseconds: UInt64 = 500_000_000
  /// Measured window in nanoseconds.
  public var windowNanoseconds: UInt64 = 2_000_000_000
  /// The runner gives up after this many nanoseconds.
  public var timeoutNanoseconds: UInt64 = 30_000_000_000
  /// CPUs for the vCPU threads, in order; empty for no pinning.
  public var vcpuCPUs: [Int] = []
  /// The NUMA node that guest RAM is bound to, or several over which it is interleaved; empty for the host's own choice.
  public var memoryNodes: [Int] = []
  /// CPU for I/O threads; nil for no pinning.
  public var ioCPU: Int?
  /// Tracepoint id of `kvm:kvm_userspace_exit`, where the supervisor could find it.
  public var userspaceExitEvent: UInt64?
  /// The file that a time line of the repetition goes to; nil for none. The builtin runner's guests alone have one.
  public var timeline: String?
  /// What looks at the guest.
  public var instruments = Set(Instrument.allCases)
  /// The program that runs the guest.
  public var runner = GuestRunner.builtin
  /// QEMU's program, where it is the runner.
  public var qemu = "qemu-system-x86_64"
  /// A guest ELF instead of the embedded one.
  public var guestImage: String?
  /// Path of the KVM device.
  public var kvmPath = "/dev/kvm"
  /// By how many thousandths of the time since they last answered the runner's devices take longer: a regression that is known, for
  /// tests of what should find it.
  public var slowdownPermille = 0
  /// A guest that pvbench did not write, in place of its own.
  public var foreign: ForeignGuest?

  /// Longest duration in nanoseconds, 11.5 days: converted to ticks of any TSC it still fits in 64 bits.
  public static let longestNanoseconds: UInt64 = 1_000_000_000_000_000

  /// A machine with the defaults of the properties.
  public init() {}

  /// Same arguments.
  public static func == (a: MachineSpecification, b: MachineSpecification) -> Bool { a.arguments == b.arguments }

  /// The command line, `key=value` each.
  public var arguments: [String] {
    var list = ["vcpus=\(vcpus)", "memory=\(memory)", "kernel=\(kernel)", "seed=\(seed)"]
    list += choices.sorted { $0.key < $1.key }.map { "choice:\($0.key)=\($0.value)" }
    switch disk {
    case .none: break
    case .memory(let byteCount, let seed):
      list.append("disk-memory=\(byteCount)")
      if let seed { list.append("disk-seed=\(seed)") }
    case .null(let byteCount): list.append("disk-null=\(byteCount)")
    case .polledFile(let path): list.append("disk-sqpoll=" + path)
    case .file(let path, let isBuffered): list.append((isBuffered ? "disk-buffered=" : "disk=") + path)
    }
    if network != .none { list.append("network=\(network)") }
    if station != 1 { list.append("station=\(station)") }
    if let parent { list.append("parent=\(parent)") }
    if let spawnedNanoseconds { list.append("spawned-ns=\(spawnedNanoseconds)") }
    list += parameters.map { "parameter:\($0.name)=\($0.value)" }
    list += ["warmup-ns=\(warmupNanoseconds)", "window-ns=\(windowNanoseconds)", "timeout-ns=\(timeoutNanoseconds)"]
    if !vcpuCPUs.isEmpty { list.append("vcpu-cpus=" + vcpuCPUs.map(String.init).joined(separator: ",")) }
    if !memoryNodes.isEmpty { list.append("memory-nodes=" + memoryNodes.map(String.init).joined(separator: ",")) }
    if let ioCPU { list.append("io-cpu=\(ioCPU)") }
    if let userspaceExitEvent { list.append("userspace-exit-event=\(userspaceExitEvent)") }
    if let timeline { list.append("timeline=\(timeline)") }
    let missing = Instrument.allCases.filter { !instruments.contains($0) }
    if !missing.isEmpty { list.append("without=" + missing.map(\.rawValue).joined(separator: ",")) }
    if runner != .builtin { list += ["runner=\(runner.rawValue)", "qemu=\(qemu)"] }
    if let guestImage { list.append("guest=\(guestImage)") }
    if slowdownPermille != 0 { list.append("slowdown-permille=\(slowdownPermille)") }
    list.append("kvm=\(kvmPath)")
    if let foreign { list += foreign.arguments }
    return list
  }

  /// Reads a command line back.
  public init(arguments: [String]) throws(SpecificationError) {
    for argument in arguments {
      guard let equals = argument.firstIndex(of: "=") else { throw .unknownArgument(argument) }
      let key = String(argument[..<equals])
      let value = String(argument[argument.index(after: equals)...])
      func number<Value: FixedWidthInteger>(_ type: Value.Type) throws(SpecificationError) -> Value {
        guard let number = Value(value) else { throw .badValue(argument: argument, expected: "a whole number") }
        return number
      }
      func numbers(of expected: String) throws(SpecificationError) -> [Int] {
        let numbers = value.split(separator: ",", omittingEmptySubsequences: false).map { UInt16($0).map(Int.init) }
        guard numbers.allSatisfy({ $0 != nil }) else { throw .badValue(argument: argument, expected: expected) }
        return numbers.compactMap(\.self)
      }
      func duration() throws(SpecificationError) -> UInt64 {
        let nanoseconds = try number(UInt64.self)
        guard nanoseconds <= Self.longestNanoseconds else {
          throw .badValue(argument: argument, expected: "at most \(Self.longestNanoseconds) nanoseconds")
        }
        return nanoseconds
      }
      switch key {
      case "vcpus":
        vcpus = try number(Int.self)
        guard (1...16).contains(vcpus) else { throw .badValue(argument: argument, expected: "1 to 16") }
      case "memory":
        memory = try number(UInt64.self)
        guard memory >= 32 << 20, memory <= 1 << 30 else {
          throw .badValue(argument: argument, expected: "32 MiB to 1 GiB in bytes")
        }
      case "kernel": kernel = value
      case "seed": seed = try number(UInt64.self)
      case "disk": disk = .file(path: value, isBuffered: false)
      case "disk-buffered": disk = .file(path: value, isBuffered: true)
      case "disk-sqpoll": disk = .polledFile(path: value)
      case "disk-memory": disk = .memory(byteCount: try number(UInt64.self))
      case "disk-seed":
        guard case .memory(let byteCount, _) = disk else {
          throw .badValue(argument: argument, expected: "disk-memory=BYTES before it")
        }
        disk = .memory(byteCount: byteCount, imageSeed: try number(UInt64.self))
      case "disk-null": disk = .null(byteCount: try number(UInt64.self))
      case "network":
        guard let backing = NetworkBacking(value) else {
          throw .badValue(argument: argument, expected: NetworkBacking.forms)
        }
        network = backing
      case "station":
        station = try number(Int.self)
        guard (1...254).contains(station) else { throw .badValue(argument: argument, expected: "1 to 254") }
      case "spawned-ns": spawnedNanoseconds = try number(UInt64.self)
      case "parent": parent = try number(Int32.self)
      case "warmup-ns": warmupNanoseconds = try duration()
      case "window-ns": windowNanoseconds = try duration()
      case "timeout-ns": timeoutNanoseconds = try duration()
      case "vcpu-cpus": vcpuCPUs = try numbers(of: "CPU numbers")
      case "memory-nodes": memoryNodes = try numbers(of: "NUMA nodes")
      case "io-cpu": ioCPU = Int(try number(UInt16.self))
      case "userspace-exit-event": userspaceExitEvent = try number(UInt64.self)
      case "runner":
        guard let named = GuestRunner(rawValue: value) else {
          throw .badValue(argument: argument, expected: GuestRunner.allCases.map(\.rawValue).joined(separator: " or "))
        }
        runner = named
      case "timeline": timeline = value
      case "without":
        guard let left = Instrument.without(value) else {
          throw .badValue(
            argument: argument, expected: "some of " + Instrument.allCases.map(\.rawValue).joined(separator: ","))
        }
        instruments = left
      case "qemu": qemu = value
      case "guest": guestImage = value
      case "kvm": kvmPath = value
      case "slowdown-permille":
        slowdownPermille = try number(Int.self)
        guard (0...1000).contains(slowdownPermille) else { throw .badValue(argument: argument, expected: "0 to 1000") }
      case _ where key.hasPrefix("choice:"):
        let name = String(key.dropFirst("choice:".count))
        guard let subsystem = MachineProfile.subsystems.first(where: { $0.name == name }) else {
          throw .unknownArgument(argument)
        }
        guard subsystem.values.contains(where: { $0.name == value }) else {
          throw .badValue(argument: argument, expected: subsystem.values.map(\.name).joined(separator: " or "))
        }
        choices[name] = value
      case _ where key.hasPrefix("parameter:"):
        parameters.append((String(key.dropFirst("parameter:".count)), value))
      default:
        guard try ForeignGuest.take(argument, key: key, value: value, into: &foreign) else {
          throw .unknownArgument(argument)
        }
      }
    }
  }
}
