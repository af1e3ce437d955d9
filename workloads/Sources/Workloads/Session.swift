import Drivers
import GuestKernel
import PVWire

/// Why a workload stopped.
public enum WorkloadFailure: Error {
  /// Something went wrong that should not: the repetition is failed.
  case failed([UInt8])
  /// The machine lacks what the workload needs: the repetition is skipped.
  case skipped([UInt8])
}

/// What a workload is given: its orders, the clock, and the way out for results.
public final class Session {
  /// The orders as they were validated.
  public let orders: Orders
  /// The I/O APIC input of a virtio-mmio slot (number, address) on this VMM.
  public let virtioInterruptInput: (Int, UInt) -> UInt32
  private let nanosecondsPerTick: UInt64
  private var beats: UInt64 = 0
  /// Records that went over the UART.
  private var sequence: UInt32 = 0

  /// A session under `orders`.
  public init(orders: Orders, virtioInterruptInput: @escaping (Int, UInt) -> UInt32) {
    self.orders = orders
    nanosecondsPerTick = (1_000_000_000 << 32) / orders.tscHertz
    self.virtioInterruptInput = virtioInterruptInput
  }

  // MARK: Parameters

  /// A numeric parameter; a row without it fails the repetition by name.
  public func number(_ name: StaticString) throws(WorkloadFailure) -> UInt64 {
    guard case .number(let value)? = parameter(name) else { throw .failed(Text.bytes("parameter missing: ", name)) }
    return value
  }

  /// True where the word parameter `name` is `word`.
  public func isWord(_ name: StaticString, _ word: StaticString) -> Bool {
    guard case .word(let value)? = parameter(name) else { return false }
    return value == Text.bytes(word)
  }

  /// True where the orders have a parameter of this name.
  public func hasParameter(_ name: StaticString) -> Bool { parameter(name) != nil }

  private func parameter(_ name: StaticString) -> ParameterValue? {
    let wanted = Text.bytes(name)
    for (name, value) in orders.parameters where name == wanted { return value }
    return nil
  }

  // MARK: Clock

  /// Nanoseconds of a span of TSC ticks, by a 32.32 fixed-point factor: a division would cost more than the clock.
  @inline(__always) public func nanoseconds(_ ticks: UInt64) -> UInt64 {
    let product = ticks.multipliedFullWidth(by: nanosecondsPerTick)
    return product.high << 32 | product.low >> 32
  }

  /// TSC ticks of a span of nanoseconds (of less than a century).
  public func ticks(nanoseconds: UInt64) -> UInt64 {
    let second: UInt64 = 1_000_000_000
    return nanoseconds / second * orders.tscHertz + nanoseconds % second * orders.tscHertz / second
  }

  /// The cost of one empty measurement in ticks: the smallest of 1,000.
  public func emptyMeasurement() -> UInt64 {
    var smallest = UInt64.max
    for _ in 0..<1000 {
      let start = pv_tsc()
      smallest = min(smallest, pv_tsc() - start)
    }
    return smallest
  }

  // MARK: Results

  /// Rings the VMM's doorbell.
  public func ring(_ bell: Doorbell) { pv_out8(Doorbell.port, bell.rawValue) }

  /// Moves the heartbeat, once an operation.
  @inline(__always) public func beat() {
    beats &+= 1
    if orders.heartbeat != 0 { pv_store64(UInt(orders.heartbeat), beats) }
  }

  /// Sends one record through the ring, or over the UART where there is none.
  public func send(_ record: GuestRecord) {
    guard orders.ring != 0 else {
      UART.send(SerialFrame.encode(record, sequence: sequence))
      sequence &+= 1
      return
    }
    let frame = RecordFrame.encode(record)
    let base = UInt(orders.ring)
    let capacity = orders.ringSize - RingHeader.dataOffset
    var head = pv_load64(base + UInt(RingHeader.headOffset))
    if capacity - (head - pv_load64(base + UInt(RingHeader.tailOffset))) < UInt64(frame.count) { ring(.drain) }
    for byte in frame {
      let offset = RingHeader.dataOffset + head % capacity
      // SAFETY: inside the ring, whose bounds were validated with the orders.
      UnsafeMutablePointer<UInt8>(bitPattern: base + UInt(offset)).unsafelyUnwrapped.pointee = byte
      head += 1
    }
    pv_store64(base + UInt(RingHeader.headOffset), head)
  }

  /// Sends a histogram's counters that are not zero.
  public func send(histogram: LatencyHistogram, name: StaticString) {
    var pairs: [(bucket: UInt32, count: UInt32)] = []
    for (bucket, count) in histogram.counts.enumerated() where count != 0 {
      pairs.append((UInt32(bucket), count))
      if pairs.count == GuestRecord.maximumPairs {
        send(.histogram(name: Text.bytes(name), pairs))
        pairs.removeAll()
      }
    }
    if !pairs.isEmpty { send(.histogram(name: Text.bytes(name), pairs)) }
  }
}

/// A histogram of nanoseconds that allocates only when it is made.
public final class LatencyHistogram {
  /// One counter a bucket of `HistogramLayout`.
  public private(set) var counts = [UInt32](repeating: 0, count: HistogramLayout.count)

  /// All zero.
  public init() {}

  /// Counts one value.
  @inline(__always) public func record(_ nanoseconds: UInt64) { counts[HistogramLayout.bucket(of: nanoseconds)] &+= 1 }
}

/// ASCII text without the Unicode tables that String would link in.
public enum Text {
  /// The bytes of a literal.
  public static func bytes(_ text: StaticString) -> [UInt8] {
    text.withUTF8Buffer { [UInt8]($0) }
  }

  /// Two literals, one behind the other.
  public static func bytes(_ first: StaticString, _ second: StaticString) -> [UInt8] { bytes(first) + bytes(second) }

  /// A number in decimal.
  public static func decimal(_ value: UInt64) -> [UInt8] {
    var digits: [UInt8] = []
    var rest = value
    repeat {
      digits.append(UInt8(48 + rest % 10))
      rest /= 10
    } while rest > 0
    return digits.reversed()
  }

  /// A number in hexadecimal with 0x.
  public static func hexadecimal(_ value: UInt64) -> [UInt8] {
    var digits: [UInt8] = []
    var rest = value
    repeat {
      let digit = UInt8(rest & 15)
      digits.append(digit < 10 ? 48 + digit : 87 + digit)
      rest >>= 4
    } while rest > 0
    return bytes("0x") + digits.reversed()
  }
}
