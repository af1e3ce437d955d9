import MachineLauncher

/// iperf3 as a workload: a client in the guest, whose server is the host's own program, and the JSON that the client prints
/// (iperf3(1), "--json").
enum Iperf3Tool: LinuxTool {
  static let schema = KernelSchema(
    name: "iperf3", uses: ["net", "transport", "doorbell"],
    parameters: [
      ParameterSchema(name: "direction", kind: .word(["send", "receive"]), isRequired: true),
      ParameterSchema(name: "streams", kind: .count(1...128), isRequired: true),
    ], guest: .linux)

  static let network = NetworkBacking.iperf3
  /// Milliseconds for the card's link to come up, in which a connection is asked for again.
  private static let connectTimeout = 20_000

  static func arguments(_ cell: PlannedCell) -> [String] {
    let workload = cell.workload
    let arguments = [
      "iperf3", "--client", LinuxGuest.hostAddress, "--json", "--interval", "0", "--time", "\(cell.toolSeconds)",
      "--omit", "\(cell.toolWarmupSeconds)", "--parallel", workload.parameter("streams") ?? "1",
      "--connect-timeout", "\(connectTimeout)",
    ]
    return arguments + (workload.parameter("direction") == "receive" ? ["--reverse"] : [])
  }

  private struct Output: Decodable {
    let error: String?
    let end: End
  }
  private struct End: Decodable {
    let sent: Side?
    let received: Side?

    enum CodingKeys: String, CodingKey {
      case sent = "sum_sent"
      case received = "sum_received"
    }
  }
  private struct Side: Decodable {
    let bytes: UInt64
    let bitsPerSecond: Double
    let retransmits: UInt64?

    enum CodingKeys: String, CodingKey {
      case bytes, retransmits
      case bitsPerSecond = "bits_per_second"
    }
  }

  /// What arrived, by the receiver's account, whoever that is; and what the sender had to send again.
  static func metrics(_ console: String) throws(ToolOutputError) -> [String: Double] {
    let output = try ToolOutput.object(Output.self, in: console)
    if let words = output.error { throw .failed(words) }
    guard let received = output.end.received else { throw .unreadable }
    guard received.bytes > 0 else { throw .failed("not a byte has arrived") }
    var metrics = ["throughput.bytes": received.bitsPerSecond / 8]
    metrics["network.retransmits"] = output.end.sent?.retransmits.map { Double($0) }
    return metrics
  }
}
