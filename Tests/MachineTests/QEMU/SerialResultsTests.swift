import PVWire
import Testing

@testable import Machine

@Suite("results over the UART")
struct SerialResultsTests {
  private static let frame = SerialFrame.encode(.log([65]), sequence: 0)

  @Test func recordsAndLogLinesAreToldApart() throws {
    var results = SerialResults()
    try results.take(Array("hello\n".utf8) + Self.frame + Array("done".utf8))
    try results.finish()
    #expect(results.records == [.log([65])])
    #expect(results.log == ["hello", "done"])
  }

  @Test func aRecordThatIsCutOffIsAnError() throws {
    var results = SerialResults()
    try results.take(Self.frame.dropLast())
    #expect(throws: SerialResults.SerialError.cutOff) { try results.finish() }
  }

  @Test func aDamagedRecordIsAnError() {
    var results = SerialResults()
    #expect(throws: SerialResults.SerialError.wire(.badChecksum)) {
      try results.take(Self.frame.dropLast() + [Self.frame[Self.frame.count - 1] ^ 1])
    }
  }

  @Test func aLogWithoutEndIsAnError() {
    var results = SerialResults()
    #expect(throws: SerialResults.SerialError.tooMuch) {
      try results.take([UInt8](repeating: 10, count: SerialResults.maximumLines + 1))
    }
  }
}
