import Measurement
import PVWire
import Testing

/// One exit, drawn from a seed.
private struct Event {
  var key: ExitKey
  var elements: UInt64
  var bytes: UInt64
  var handlerTicks: UInt64
  var roundTripTicks: UInt64

  static func draw(_ index: UInt64, seed: UInt64 = 0) -> Event {
    let draw = SectorPattern.mix(index &+ seed &* 0x9E37_79B9)
    let reasons: [ExitReason] = [.io, .mmio, .hlt, .intr, .rdmsr, .wrmsr, .memoryFault]
    let reason = reasons[Int(draw % 7)]
    return Event(
      key: ExitKey(
        reason: reason, isInput: [.io, .mmio].contains(reason) && draw & 256 != 0,
        address: 0xFEB0_0000 + (draw >> 16) % 70),
      elements: draw >> 24 % 100, bytes: draw >> 32 % 5000, handlerTicks: SectorPattern.mix(draw) >> (20 + draw % 40),
      roundTripTicks: (draw >> 7) % 4 * (SectorPattern.mix(draw + 1) >> (24 + draw % 40)))
  }
}

/// The same bookkeeping, with a dictionary and at leisure. A TSC of 1 GHz makes a tick a nanosecond.
private struct Model {
  var tallies: [ExitKey: ExitTally] = [:]
  var ticks: [ExitKey: UInt64] = [:]
  var handler: [ExitReason: (times: Histogram, sum: UInt64)] = [:]
  var roundTrip: [ExitReason: (times: Histogram, sum: UInt64)] = [:]

  mutating func record(_ event: Event) {
    tallies[event.key, default: ExitTally()].exits += 1
    tallies[event.key, default: ExitTally()].elements += event.elements
    tallies[event.key, default: ExitTally()].bytes += event.bytes
    ticks[event.key, default: 0] += event.handlerTicks
    handler[event.key.reason, default: (Histogram(), 0)].times.record(event.handlerTicks)
    handler[event.key.reason, default: (Histogram(), 0)].sum += event.handlerTicks
    guard event.roundTripTicks > 0 else { return }
    roundTrip[event.key.reason, default: (Histogram(), 0)].times.record(event.roundTripTicks)
    roundTrip[event.key.reason, default: (Histogram(), 0)].sum += event.roundTripTicks
  }

  private static func summary(_ entry: (times: Histogram, sum: UInt64)) -> ExitLatency {
    ExitLatency(
      count: entry.times.count, p50: Double(entry.times.percentile(0.5) ?? 0) / 1e9,
      p99: Double(entry.times.percentile(0.99) ?? 0) / 1e9, sum: Double(entry.sum) / 1e9)
  }

  var counts: ExitCounts {
    var counts = ExitCounts()
    for (key, tally) in tallies {
      counts.total += tally.exits
      counts.userspace += key.reason == .intr ? 0 : tally.exits
      counts.byReason[key.reason.name, default: 0] += tally.exits
      counts.byDetail[key.detail] = tally
      counts.byDetail[key.detail]?.seconds = Double(ticks[key] ?? 0) / 1e9
    }
    for (reason, entry) in handler { counts.latency[reason.name] = Self.summary(entry) }
    for (reason, entry) in roundTrip { counts.roundTrip[reason.name] = Self.summary(entry) }
    return counts
  }
}

extension ExitRecorder {
  fileprivate mutating func record(_ event: Event) {
    record(
      event.key, elements: event.elements, bytes: event.bytes, handlerTicks: event.handlerTicks,
      roundTripTicks: event.roundTripTicks)
  }

  fileprivate mutating func record(_ key: ExitKey, ticks: UInt64 = 0) {
    record(key, elements: 1, bytes: 0, handlerTicks: ticks, roundTripTicks: 0)
  }
}

struct ExitRecorderTests {
  @Test func newRecorderHasNothingToSay() {
    let recorder = ExitRecorder(tscHertz: 2_500_000_000)
    #expect(recorder.counts() == ExitCounts())
    #expect(recorder.lifetimeTotal == 0)
  }

  @Test func hundredThousandExitsAgreeWithANaiveModel() {
    var recorder = ExitRecorder(tscHertz: 1_000_000_000)
    var model = Model()
    for index: UInt64 in 0..<100_000 {
      recorder.record(.draw(index))
      model.record(.draw(index))
    }
    #expect(recorder.counts() == model.counts)
    #expect(recorder.lifetimeTotal == 100_000)
    #expect(recorder.overflowed == 0)
  }

  @Test func resetOpensAWindowThatRemembersOnlyItsLifetime() {
    var recorder = ExitRecorder(tscHertz: 1_000_000_000)
    var model = Model()
    for index: UInt64 in 0..<5000 { recorder.record(.draw(index)) }
    recorder.reset()
    let atStart = recorder.counts()
    for index: UInt64 in 0..<3000 {
      recorder.record(.draw(index, seed: 77))
      model.record(.draw(index, seed: 77))
    }
    #expect(atStart == ExitCounts())
    #expect(recorder.counts() == model.counts)
    #expect(recorder.lifetimeTotal == 8000)
  }

  @Test func theLifetimeHasEveryWindow() {
    var recorder = ExitRecorder(tscHertz: 1_000_000_000)
    for window: UInt64 in 1...3 {
      for _ in 0..<window { recorder.record(ExitKey(reason: .io, isInput: true, address: 0x1F0)) }
      recorder.record(ExitKey(reason: .mmio, address: window << 12))
      recorder.reset()
    }
    recorder.record(ExitKey(reason: .io, address: 0x1F0))
    #expect(recorder.lifetime().byReason == ["io": 7, "mmio": 3])
    #expect(
      recorder.lifetime().byPlace == [
        "io:0x1f0:in": 6, "io:0x1f0:out": 1, "mmio:0x1000:out": 1, "mmio:0x2000:out": 1, "mmio:0x3000:out": 1,
      ])
  }

  @Test func placesBeyondTheCapacityAreCountedAsOther() {
    var recorder = ExitRecorder(tscHertz: 1_000_000_000)
    for address in 0..<UInt64(ExitRecorder.capacity + 500) {
      recorder.record(ExitKey(reason: .mmio, isInput: true, address: address << 12), ticks: 3)
    }
    recorder.record(ExitKey(reason: .mmio, isInput: true, address: 0))
    let counts = recorder.counts()
    #expect(recorder.overflowed == 500)
    #expect(counts.byDetail.count == ExitRecorder.capacity + 1)
    #expect(counts.byDetail["other"] == ExitTally(exits: 500, elements: 500, bytes: 0, seconds: 1500 / 1e9))
    #expect(counts.byDetail["mmio:0x0:in"]?.exits == 2)
    #expect(counts.byReason == ["mmio": UInt64(ExitRecorder.capacity + 501)])
    recorder.reset()
    #expect(recorder.overflowed == 0)
    #expect(recorder.counts() == ExitCounts())
  }

  @Test func keysOfOneNameAreAddedUp() {
    var recorder = ExitRecorder(tscHertz: 1_000_000_000)
    recorder.record(ExitKey(reason: .rdmsr, isInput: true, address: 0x10), ticks: 1)
    recorder.record(ExitKey(reason: .rdmsr, isInput: false, address: 0x10), ticks: 2)
    #expect(recorder.counts().byDetail == ["rdmsr:0x10": ExitTally(exits: 2, elements: 2, bytes: 0, seconds: 3e-9)])
  }

  @Test func interruptionsAreNotUserspaceExits() {
    var recorder = ExitRecorder(tscHertz: 1_000_000_000)
    recorder.record(ExitKey(reason: .intr))
    recorder.record(ExitKey(reason: .hlt))
    #expect(recorder.counts().total == 2)
    #expect(recorder.counts().userspace == 1)
  }

  @Test(arguments: [1, 1_000_000, 2_496_003_000, 5_000_000_000] as [UInt64])
  func oneSecondOfTicksIsOneSecond(hertz: UInt64) throws {
    var recorder = ExitRecorder(tscHertz: hertz)
    recorder.record(ExitKey(reason: .hlt), ticks: hertz)
    let counts = recorder.counts()
    #expect(counts.byDetail["hlt"]?.seconds == 1)
    let latency = try #require(counts.latency["hlt"])
    #expect(abs(latency.sum - 1) < 1e-7)
    #expect(abs(latency.p50 - 1) < 1e-3)
  }

  @Test func absurdTicksCountAsTheLongestTime() {
    var recorder = ExitRecorder(tscHertz: 1)
    recorder.record(ExitKey(reason: .hlt), ticks: .max)
    var longest = Histogram()
    longest.record(.max)
    #expect(recorder.handlerTimes(of: .hlt) == longest)
    #expect(recorder.roundTripTimes(of: .hlt) == Histogram())
  }

  @Test(arguments: [
    (ExitKey(reason: .io, isInput: true, address: 0x1F0), "io:0x1f0:in"),
    (ExitKey(reason: .mmio, isInput: false, address: 0xFEB0_0050), "mmio:0xfeb00050:out"),
    (ExitKey(reason: .rdmsr, address: 0x10), "rdmsr:0x10"),
    (ExitKey(reason: .wrmsr, address: 0x4b56_4d00), "wrmsr:0x4b564d00"),
    (ExitKey(reason: .hlt), "hlt"), (ExitKey(reason: .irqWindowOpen), "irq_window_open"),
  ])
  func detailsAreNamedAsResultsHaveThem(key: ExitKey, expected: String) {
    #expect(key.detail == expected)
  }

  // include/uapi/linux/kvm.h, Linux 6.1
  @Test(arguments: [
    (0, "unknown"), (2, "io"), (5, "hlt"), (6, "mmio"), (8, "shutdown"), (9, "fail_entry"), (10, "intr"),
    (17, "internal_error"), (24, "system_event"), (26, "ioapic_eoi"), (29, "rdmsr"), (30, "wrmsr"), (13, "unknown"),
    (4_000_000_000, "unknown"),
  ])
  func kvmNumbersHaveTheirNames(number: UInt32, name: String) {
    #expect(ExitReason(kvmNumber: number).name == name)
  }
}
