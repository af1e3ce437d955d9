import Backends
import MachineLauncher
import ParavirtDevices

/// A network card that needs no VM yet, and the port behind it.
struct NetworkAttachment {
  private let port: any NetworkPort
  /// The card, where it is a virtio one.
  let virtio: VirtioNet?

  /// What the specification asks for; nil where it asks for no card.
  init?(_ specification: MachineSpecification) throws(MachineError) {
    guard specification.choices["net"] != "none", let port = try Self.open(specification.network) else { return nil }
    self.port = port
    do { virtio = try VirtioNet(port: port) } catch { throw .wiring("virtio-net: no eventfd, errno \(error.errno)") }
  }

  /// What became of every frame, by metric: read it when the workers have ended. At the card and at the port, whatever was
  /// taken was sent on or is counted as dropped.
  var counts: [String: UInt64] {
    let card = virtio?.worker.counters
    var counts = [
      "network.port_sent": port.counters.sent, "network.port_received": port.counters.received,
      "network.dropped_port_outgoing": port.counters.droppedOutgoing,
      "network.dropped_port_incoming": port.counters.droppedIncoming,
      "network.dropped_card_outgoing": card?.droppedOutgoing ?? 0,
      "network.dropped_card_incoming": card?.droppedIncoming ?? 0,
      "network.interrupts": card?.interruptsRaised ?? 0, "network.doorbells": card?.notificationsSeen ?? 0,
    ]
    if let verdict = (port as? any VerifyingPort)?.verdict {
      counts["network.lost"] = verdict.lost
      counts["network.reordered"] = verdict.reordered
      counts["network.duplicated"] = verdict.duplicated
      counts["network.corrupted"] = verdict.corrupted
    }
    return counts
  }

  private static func open(_ backing: NetworkBacking) throws(MachineError) -> (any NetworkPort)? {
    do throws(NetworkPortError) {
      switch backing {
      case .none: return nil
      case .echo: return try EchoPort()
      case .sink: return try SinkPort()
      case .source(let size, let rate): return try SourcePort(size: size, rate: rate)
      case .socket(let descriptor): return try SocketPort(descriptor: descriptor)
      case .tap(let name): return try TapPort(name: name)
      }
    } catch { throw .network("\(error)") }
  }
}
