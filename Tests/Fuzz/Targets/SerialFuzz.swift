import PVWire

@testable import Machine

/// What comes over a guest's UART: text, records with right and wrong numbers and checksums, any bytes, in pieces.
struct SerialFuzz: FuzzTarget {
  static let name = "serial"

  func run(_ input: FuzzInput) throws {
    var results = SerialResults()
    var sequence: UInt32 = 0
    while !input.isEmpty {
      let seen = results.records.count
      switch input.below(4) {
      case 0: try results.take(input.array(input.below(40)))
      case 1: try results.take(Array("a line\n".utf8))
      case 2: try results.take(damaged(input, sequence: sequence))
      default:
        let payload = input.array(input.below(60))
        // What is no payload of its type is no record to send either.
        guard let record = try? GuestRecord(type: UInt16(input.below(10)), payload: payload) else { continue }
        let frame = SerialFrame.encode(record, sequence: sequence)
        let cut = Int(input.byte()) % frame.count
        try results.take(Array(frame[..<cut]))
        try results.take(Array(frame[cut...]))
        // The bytes may have been the rest of a frame that was announced before.
        if results.records.count > seen { sequence &+= 1 }
      }
      mustHold(results.records.count <= ResultRing.maximumRecords, "more records than a guest may send")
      mustHold(results.log.count <= SerialResults.maximumLines, "more lines than a log has")
    }
    try results.finish()
  }

  private func damaged(_ input: FuzzInput, sequence: UInt32) -> [UInt8] {
    var frame = SerialFrame.encode(.log(input.array(input.below(20))), sequence: sequence &+ UInt32(input.below(2)))
    let place = input.below(frame.count)
    frame[place] ^= input.byte()
    return frame
  }
}
