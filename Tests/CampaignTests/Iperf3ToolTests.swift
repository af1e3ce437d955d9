import Testing

@testable import Campaign

@Suite("what iperf3 prints")
struct Iperf3ToolTests {
  @Test func theReceiversBytesAndTheSendersRetransmitsCount() throws {
    let metrics = try Iperf3Tool.metrics(try RecordedConsole.iperf3.text())
    #expect(metrics == ["throughput.bytes": 52365537.281264037 / 8, "network.retransmits": 1])
  }

  @Test func whatItSaysOfItsFailureIsTheReason() {
    let console = """
      {
      	"intervals":	[],
      	"end":	{
      	},
      	"error":	"unable to connect to server: Connection refused"
      }

      """
    #expect(throws: ToolOutputError.failed("unable to connect to server: Connection refused")) {
      try Iperf3Tool.metrics(console)
    }
  }

  @Test func aTestWithoutASumIsUnreadable() {
    #expect(throws: ToolOutputError.unreadable) { try Iperf3Tool.metrics("{\n\"end\": {}\n}\n") }
  }

  @Test func aTestThatMovedNothingFails() {
    let console = "{\n\"end\": {\"sum_received\": {\"bytes\": 0, \"bits_per_second\": 0}}\n}\n"
    #expect(throws: ToolOutputError.failed("not a byte has arrived")) { try Iperf3Tool.metrics(console) }
  }

  @Test func aHostThatCountsNoRetransmitsHasNone() throws {
    let console = "{\n\"end\": {\"sum_received\": {\"bytes\": 8, \"bits_per_second\": 64}}\n}\n"
    #expect(try Iperf3Tool.metrics(console) == ["throughput.bytes": 8])
  }
}
