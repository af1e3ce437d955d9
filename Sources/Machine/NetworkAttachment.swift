import Backends
import DeviceModel
import EmulatedDevices
import GuestMemory
import MachineLauncher
import ParavirtDevices

/// A network card, and the port behind it.
struct NetworkAttachment {
  /// The card, as far as it can be made without a VM.
  enum Card {
    case virtio(VirtioNet)
    /// The host's kernel serves it: the port is its interface, and carries nothing itself.
    case vhost(VhostNetCard)
    /// Made when its memory and its interrupt are known: nil until then.
    case e1000(E1000?)
  }
  private let port: any NetworkPort
  private let farSide: (any DeviceWorker)?
  private(set) var card: Card
  private let address: [UInt8]
  /// The kernel's thread that serves the card, where there is one and it can be seen.
  let kernelThread: VhostThread?
  private static let mostPairs = 16

  /// What the specification asks for; nil where it asks for no card.
  init?(_ specification: MachineSpecification) throws(MachineError) {
    let choice = specification.choices["net"]
    guard choice != "none", let (port, farSide) = try Self.open(specification.network) else { return nil }
    self.port = port
    self.farSide = farSide
    address = VirtioNet.defaultAddress.dropLast() + [UInt8(specification.station)]
    switch choice {
    case "e1000":
      card = .e1000(nil)
      kernelThread = nil
    case "vhost-net":
      guard let tap = port as? TapPort else {
        throw .unavailable("vhost-net serves a TAP interface, not '\(specification.network)'")
      }
      let server = try Self.openVhost()
      card = .vhost(try Self.vhostCard(server, tap: tap, address: address))
      kernelThread = VhostThread(owner: server.ownerThread)
      if let cpu = specification.ioCPU { kernelThread?.pin(to: cpu) }
    default:
      kernelThread = nil
      // A pair of queues for each vCPU, as drivers want them; they use the first until they ask for more.
      let pairs = min(specification.vcpus, Self.mostPairs)
      do { card = .virtio(try VirtioNet(port: port, address: address, queuePairs: pairs)) } catch {
        throw .wiring("virtio-net: no eventfd, errno \(error.errno)")
      }
    }
  }

  private static func vhostCard(
    _ server: VhostNet, tap: TapPort, address: [UInt8]
  ) throws(MachineError) -> VhostNetCard {
    do {
      return try VhostNetCard(
        server: server, interface: tap.inputDescriptor, maximumFrame: tap.maximumFrame, address: address)
    } catch { throw .wiring("vhost-net: no eventfd, errno \(error.errno)") }
  }

  private static func openVhost() throws(MachineError) -> VhostNet {
    do throws(NetworkPortError) { return try VhostNet() } catch {
      throw error.isHostLack ? .unavailable("\(error)") : .network("vhost-net: \(error)")
    }
  }

  /// Makes the e1000. Whatever the kind of a card, its address is the same.
  mutating func makeE1000(
    memory: GuestMemory, interrupt: any InterruptLine, placement: E1000.Placement
  ) throws(MachineError) -> E1000 {
    do throws(E1000Error) {
      let made = try E1000(
        macAddress: address, memory: memory, port: port, interrupt: interrupt, placement: placement)
      card = .e1000(made)
      return made
    } catch { throw .wiring("e1000: no eventfd, errno \(error.cause.errno)") }
  }

  /// What works beside the card: the far side, where it is on the host's own stack.
  var workers: [any DeviceWorker] { farSide.map { [$0] } ?? [] }

  /// What a reader of the results should know.
  var notes: [String] {
    if case .vhost = card, kernelThread == nil { [VhostThread.missing] } else { [] }
  }

  /// What became of every frame, by metric: read it when the workers have ended. At the card and at the port, whatever was
  /// taken was sent on or is counted as dropped.
  var counts: [String: UInt64] {
    var counts = cardCounts
    if let counters = portCounters {
      counts["network.port_sent"] = counters.sent
      counts["network.port_received"] = counters.received
      counts["network.dropped_port_outgoing"] = counters.droppedOutgoing
      counts["network.dropped_port_incoming"] = counters.droppedIncoming
    }
    if let stack = farSide as? HostStack {
      counts.merge(stack.counts) { $1 }
    } else if let verdict = (port as? any VerifyingPort)?.verdict {
      counts.merge(verdict.counts) { $1 }
    }
    return counts
  }

  /// The port's, or those of the interface itself where the kernel carries its frames; nil where it does not say.
  private var portCounters: NetworkPortCounters? {
    guard case .vhost = card else { return port.counters }
    return (port as? TapPort)?.interfaceCounters
  }

  private var cardCounts: [String: UInt64] {
    switch card {
    case .virtio(let card):
      let counters = card.worker.counters
      return [
        "network.dropped_card_outgoing": counters.droppedOutgoing,
        "network.dropped_card_incoming": counters.droppedIncoming, "network.interrupts": counters.interruptsRaised,
        "network.doorbells": counters.notificationsSeen,
      ]
    // vhost counts nothing: a frame that it lost would be missing at the interface.
    case .vhost: return [:]
    case .e1000(let card):
      // Its doorbells are exits, which are counted as such.
      guard let counters = card?.counters else { return [:] }
      return [
        "network.dropped_card_outgoing": counters.refused,
        "network.dropped_card_incoming": counters.dropped + counters.filtered,
      ]
    }
  }

  private static func open(
    _ backing: NetworkBacking
  ) throws(MachineError) -> (port: any NetworkPort, farSide: (any DeviceWorker)?)? {
    if backing == .iperf3 {
      let interface = try openInterface()
      return (interface.port, try ServerProgram.iperf3(interface))
    }
    do throws(NetworkPortError) {
      switch backing {
      // A peer is a socket by the time that the machine is made.
      case .none, .peer, .iperf3: return nil
      case .echo: return (try EchoPort(), nil)
      case .sink: return (try SinkPort(), nil)
      case .source(let size, let rate): return (try SourcePort(size: size, rate: rate), nil)
      case .socket(let descriptor): return (try SocketPort(descriptor: descriptor), nil)
      case .tap(let name): return (try TapPort(name: name), nil)
      case .stack(let service):
        let stack = try HostStack(service == .echo ? .echo : .sink)
        return (stack.port, stack)
      }
    } catch { throw Self.error(error) }
  }

  private static func openInterface() throws(MachineError) -> StackInterface {
    do throws(NetworkPortError) { return try StackInterface() } catch { throw Self.error(error) }
  }

  private static func error(_ error: NetworkPortError) -> MachineError {
    error.isHostLack ? .unavailable("\(error)") : .network("\(error)")
  }
}

extension NetworkPortVerdict {
  /// What was wrong with the frames, by metric.
  var counts: [String: UInt64] {
    [
      "network.lost": lost, "network.reordered": reordered, "network.duplicated": duplicated,
      "network.corrupted": corrupted,
    ]
  }
}

extension HostStack {
  /// What the host's socket saw, by metric: read it when its worker has ended.
  var counts: [String: UInt64] {
    verdict.counts.merging(["network.dropped_far_side": dropped, "network.taken": taken]) { $1 }
  }
}
