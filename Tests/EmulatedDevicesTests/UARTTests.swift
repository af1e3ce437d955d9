import DeviceModel
import Testing

@testable import EmulatedDevices

/// A port with its fakes, driven by its registers.
private struct Port {
  let line = FakeInterruptLine()
  let sink = FakeSerialSink()
  let uart: UART16550A

  init() { uart = UART16550A(interrupt: line, sink: sink) }

  func read(_ register: Int) -> UInt8 { UInt8(truncatingIfNeeded: uart.read(at: register, width: .byte)) }
  func write(_ value: UInt8, to register: Int) { uart.write(UInt64(value), at: register, width: .byte) }
}

@Suite struct UARTTests {
  private let port = Port()

  @Test func resetStateIsTheDataSheets() {
    #expect((1...7).map { port.read($0) } == [0x00, 0x01, 0x00, 0x00, 0x60, 0xB0, 0x00])
    #expect(!port.line.isAsserted)
  }

  @Test func transmittedBytesReachTheSinkInOrder() {
    for byte in "ok\n".utf8 { port.write(byte, to: 0) }
    #expect(port.sink.bytes == Array("ok\n".utf8))
    #expect(port.read(5) == 0x60)
  }

  @Test func stringOutputReachesTheSink() {
    port.uart.write(Array("hello".utf8).span.bytes, at: 0, width: .byte)
    #expect(port.sink.bytes == Array("hello".utf8))
  }

  @Test func divisorIsBehindDLABOnly() {
    port.write(0x83, to: 3)
    port.write(0x34, to: 0)
    port.write(0x12, to: 1)
    #expect([port.read(0), port.read(1)] == [0x34, 0x12])
    port.write(0x03, to: 3)
    #expect([port.read(0), port.read(1)] == [0x00, 0x00])
    #expect(port.sink.bytes.isEmpty)
  }

  @Test func scratchKeepsItsByte() {
    port.write(0xA5, to: 7)
    #expect(port.read(7) == 0xA5)
  }

  @Test func reservedBitsReadAsZero() {
    port.write(0xFF, to: 1)
    port.write(0xFF, to: 4)
    #expect([port.read(1), port.read(4)] == [0x0F, 0x1F])
  }

  @Test func enablingTHREWhileEmptyInterruptsAtOnce() {
    port.write(0x02, to: 1)
    #expect(port.line.isAsserted)
    #expect(port.read(2) == 0x02)
    #expect(!port.line.isAsserted)
    #expect(port.read(2) == 0x01)
  }

  @Test func enablingTHREAgainDoesNotInterruptAgain() {
    port.write(0x02, to: 1)
    _ = port.read(2)
    port.write(0x03, to: 1)
    #expect(!port.line.isAsserted)
  }

  @Test func everyTransmittedByteGivesANewEdge() {
    port.write(0x02, to: 1)
    port.write(0x41, to: 0)
    port.write(0x42, to: 0)
    #expect(port.line.risingEdges == 3)
    #expect(port.read(2) == 0x02)
  }

  @Test func receivedByteInterruptsUntilRead() {
    port.write(0x01, to: 1)
    port.uart.receive([0x55])
    #expect(port.line.isAsserted)
    #expect(port.read(2) == 0x04)
    #expect(port.read(5) == 0x61)
    #expect(port.read(0) == 0x55)
    #expect(!port.line.isAsserted)
    #expect(port.read(5) == 0x60)
  }

  @Test func withoutFIFOTheNewestByteOverwritesAndOverruns() {
    port.uart.receive([1, 2])
    #expect(port.read(5) == 0x63)
    #expect(port.read(5) == 0x61)
    #expect(port.read(0) == 2)
    #expect(port.read(0) == 0)
  }

  @Test func fullFIFOKeepsTheOldestAndOverruns() {
    port.write(0x01, to: 2)
    port.uart.receive(1...17)
    #expect(port.uart.receiveSpace == 0)
    #expect(port.read(5) == 0x63)
    #expect((1...16).map { _ in port.read(0) } == Array(1...16))
    #expect(port.read(5) == 0x60)
    #expect(port.uart.receiveSpace == 16)
  }

  @Test(arguments: [(UInt8(0x01), 1, UInt8(0xC1)), (0x41, 4, 0xCC), (0x81, 8, 0xCC), (0xC1, 14, 0xCC)])
  func triggerLevelDividesTimeoutFromDataAvailable(control: UInt8, level: Int, belowLevel: UInt8) {
    port.write(0x01, to: 1)
    port.write(control, to: 2)
    port.uart.receive((0..<level).map { UInt8($0) })
    #expect(port.read(2) == 0xC4)
    _ = port.read(0)
    #expect(port.read(2) == belowLevel)
  }

  @Test func timeoutRestartsWithANewEdgeWhileBytesRemain() {
    port.write(0x01, to: 1)
    port.write(0xC1, to: 2)
    port.uart.receive([1, 2])
    #expect(port.line.risingEdges == 1)
    _ = port.read(0)
    #expect(port.line.risingEdges == 2)
    _ = port.read(0)
    #expect(!port.line.isAsserted)
  }

  @Test func clearingTheReceiverDropsItsBytes() {
    port.write(0x01, to: 2)
    port.uart.receive([1, 2, 3])
    port.write(0x03, to: 2)
    #expect(port.read(5) == 0x60)
  }

  @Test func clearBitCountsOnlyWithTheEnableBit() {
    port.uart.receive([9])
    port.write(0x02, to: 2)
    #expect(port.read(0) == 9)
  }

  @Test func switchingFIFOModeDropsBytesAndShowsInIIR() {
    port.uart.receive([1])
    port.write(0x01, to: 2)
    #expect(port.read(5) == 0x60)
    #expect(port.read(2) == 0xC1)
    port.write(0x00, to: 2)
    #expect(port.read(2) == 0x01)
  }

  @Test func interruptsAreIdentifiedByPriority() {
    port.write(0x0F, to: 1)
    port.write(0x02, to: 4)
    port.write(0x12, to: 4)  // loopback takes DSR and DCD away: a modem status change
    port.write(0x02, to: 4)
    port.uart.receive([1, 2])
    #expect(port.read(2) == 0x06)
    _ = port.read(5)
    #expect(port.read(2) == 0x04)
    _ = port.read(0)
    #expect(port.read(2) == 0x02)
    #expect(port.read(2) == 0x00)
    _ = port.read(6)
    #expect(port.read(2) == 0x01)
    #expect(!port.line.isAsserted)
  }

  @Test func loopbackReturnsBytesAndKeepsThemFromTheLine() {
    port.write(0x10, to: 4)
    port.write(0x77, to: 0)
    port.uart.receive([0x11])
    #expect(port.sink.bytes.isEmpty)
    #expect(port.read(0) == 0x77)
    #expect(port.read(5) == 0x60)
  }

  @Test(arguments: [(UInt8(0x11), UInt8(0x20)), (0x12, 0x10), (0x14, 0x40), (0x18, 0x80), (0x1F, 0xF0)])
  func loopbackConnectsModemOutputsToInputs(control: UInt8, inputs: UInt8) {
    port.write(control, to: 4)
    #expect(port.read(6) & 0xF0 == inputs)
  }

  @Test func modemDeltasAreClearedByReading() {
    port.write(0x10, to: 4)
    #expect(port.read(6) == 0x0B)
    #expect(port.read(6) == 0x00)
  }

  @Test func ringIsReportedAtItsTrailingEdgeOnly() {
    port.write(0x14, to: 4)
    #expect(port.read(6) == 0x4B)
    port.write(0x10, to: 4)
    #expect(port.read(6) == 0x04)
  }

  @Test func wideAccessIsSplitIntoBytes() {
    port.uart.write(0xBEEF_5A00, at: 4, width: .long)
    #expect(port.read(7) == 0xBE)
    #expect(port.uart.read(at: 7, width: .long) == 0xFFFF_FFBE)
    #expect(port.uart.read(at: 8, width: .byte) == 0xFF)
  }

  @Test func randomAccessesNeverTrapAndAlwaysAgreeWithTheLine() {
    var generator = SeededGenerator(state: 0x16550)
    let widths: [AccessWidth] = [.byte, .word, .long, .quad]
    var disagreements = 0
    for _ in 0..<200_000 {
      let width = widths[Int.random(in: 0..<4, using: &generator)]
      let offset = Int.random(in: -2...9, using: &generator)
      port.uart.write(generator.next(), at: offset, width: width)
      _ = port.uart.read(at: Int.random(in: -2...9, using: &generator), width: width)
      port.uart.receive(repeatElement(0x2A, count: Int.random(in: 0...3, using: &generator)))
      // Without DLAB's help IIR tells what the line shows, except that reading it acknowledges THRE.
      let wasAsserted = port.line.isAsserted
      disagreements += (port.read(2) & 1 == 0) == wasAsserted ? 0 : 1
    }
    #expect(disagreements == 0)
    _ = port.uart.read(at: .max, width: .quad)
    _ = port.uart.read(at: .min, width: .quad)
  }
}

@Suite struct SerialLineBufferTests {
  @Test func linesArriveWholeAndWithoutNewline() {
    var lines: [String] = []
    let buffer = SerialLineBuffer(capacity: 8) { span in
      lines.append(span.withUnsafeBytes { String(decoding: $0, as: UTF8.self) })
    }
    for byte in "one\n\nlonger than 8\nrest".utf8 { buffer.byte(byte) }
    #expect(lines == ["one", "", "longer t", "han 8"])
    buffer.finish()
    buffer.finish()
    #expect(lines.last == "rest")
    #expect(lines.count == 5)
  }
}
