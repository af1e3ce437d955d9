import Measurement
import Statistics

/// What load costs a host, without any flavor of guest in it: multiply a price by the rate of a load, and add up the loads.
///
/// A price is taken in each boot (host CPU of the window, all threads of the runner and the host's socket behind a TAP, over what
/// was done in it) and is the median over boots with its exact binomial 95 % interval.
struct Price: Sendable {
  /// What is paid for.
  enum Unit: String, Sendable {
    /// A request of the workload: a read, a round trip, a frame.
    case operation
    /// 2³⁰ bytes moved.
    case gibibyte = "GiB moved"
    /// A second of the workload's loop.
    case second = "second of load"
    /// One guest that is up.
    case guest
  }

  let cell: CellRecord
  let per: Unit
  /// `host_cpu_seconds`, `runner_bytes` or `guest_bytes`.
  let resource: Resource
  let side: SideRecord

  /// What is paid with.
  enum Resource: String, Sendable {
    case hostCPU = "host_cpu_seconds"
    /// Beyond the guest's RAM.
    case runner = "runner_bytes"
    /// Of the guest's RAM.
    case guest = "guest_bytes"

    /// The unit of its figures.
    var unit: String { self == .hostCPU ? "s" : "B" }
  }

  /// Every price that a cell's boots support, in a fixed order.
  static func all(_ summary: CellSummary) -> [Price] {
    let cell = summary.cell
    let devices = ["disk", "network", "console"].contains(cell.suite)
    let load: [(Unit, Resource, (RepetitionRecord) -> Double?)] = [
      (.operation, .hostCPU, { devices ? $0.metrics["host.cpu_seconds_per_op"] : nil }),
      (.gibibyte, .hostCPU, { devices ? perGibibyte($0.metrics) : nil }),
      (.second, .hostCPU, { cell.suite == "cpu" ? perSecond($0.metrics) : nil }),
      (.guest, .runner, { $0.metrics["memory.runner_overhead"] }),
      (.guest, .guest, { $0.metrics["memory.guest_touched"] }),
    ]
    return load.compactMap { unit, resource, price in
      let values = cell.repetitions.filter { $0.status == .ok }.compactMap(price).filter(\.isFinite)
      guard !values.isEmpty else { return nil }
      return Price(cell: cell, per: unit, resource: resource, side: OrderStatistics.side(values))
    }
  }

  private static func perGibibyte(_ metrics: [String: Double]) -> Double? {
    guard let cpu = metrics["host.cpu_seconds"], let rate = metrics["throughput.bytes"],
      let seconds = metrics["window.seconds"], rate * seconds > 0
    else { return nil }
    return cpu / (rate * seconds / 1_073_741_824)
  }

  private static func perSecond(_ metrics: [String: Double]) -> Double? {
    guard let cpu = metrics["host.cpu_seconds"], let seconds = metrics["window.seconds"], seconds > 0 else {
      return nil
    }
    return cpu / seconds
  }
}

/// `capacity.csv`: one row per cell and price, in seconds of host CPU and bytes of host memory, with exact binomial 95 %
/// intervals over boots.
public enum CapacityCSV {
  static let header = "run,suite,workload,mode,per,resource,unit,n,median,ci_low,ci_high"

  /// The file's bytes.
  public static func render(_ run: RunRecord) -> [UInt8] {
    var csv = CSV(header)
    for price in run.cells.map(CellSummary.init).flatMap(Price.all) {
      let (cell, side) = (price.cell, price.side)
      csv.row(
        [
          run.id, cell.suite, cell.workload, cell.mode, price.per.rawValue, price.resource.rawValue,
          price.resource.unit,
        ]
          + ["\(side.n)", CSV.number(side.median), CSV.number(side.low), CSV.number(side.high)])
    }
    return csv.bytes
  }
}

/// The price of loads, mode beside mode, and what an assumed load takes of the host.
struct CapacitySection: Sendable {
  let modes: [String]
  let rows: [Row]
  let hasRows: Bool
  let guests: [GuestRow]
  let hasGuests: Bool
  /// Operations per second that the table assumes until its reader says otherwise.
  let assumedRate: Int
  let rateText: String
  let isLong: Bool
  let summary: String

  /// A workload.
  struct Row: Sendable {
    let title: String
    let anchor: String
    let cells: [Cell]
  }

  /// A workload in one mode.
  struct Cell: Sendable {
    let mode: String
    let price: String?
    let interval: String?
    /// Host-CPU seconds per operation as the number that it is.
    let exact: String
    /// Host CPUs at the assumed rate.
    let processors: String?
    let perGibibyte: String?
  }

  /// What a guest that is up takes in memory in a mode: medians over all cells of the mode.
  struct GuestRow: Sendable {
    let mode: String
    let runner: String
    let guest: String
  }

  /// Nil where no cell has a price.
  init?(_ run: RunRecord, cells: [CellSummary]) {
    let prices = cells.flatMap(Price.all)
    let priced = prices.filter { $0.per == .operation }
    modes = priced.map(\.cell.mode).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    let rate = 10_000
    assumedRate = rate
    rateText = Formatting.count(UInt64(rate))
    let workloads = priced.map(\.cell.workload).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    rows = workloads.map { [modes] workload in
      Row(
        title: WorkloadName(workload).shortTitle, anchor: workload,
        cells: modes.map { mode in
          let own = prices.filter { $0.cell.workload == workload && $0.cell.mode == mode }
          return Cell(mode, own, rate: Double(rate))
        })
    }
    hasRows = !rows.isEmpty
    guests = Self.guests(prices)
    hasGuests = !guests.isEmpty
    guard hasRows || hasGuests else { return nil }
    isLong = run.isLong
    summary = rows.count == 1 ? "1 load" : "\(rows.count) loads"
  }

  private static func guests(_ prices: [Price]) -> [GuestRow] {
    let modes = prices.map(\.cell.mode).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    return modes.compactMap { mode in
      func median(_ resource: Price.Resource) -> String? {
        let medians = prices.filter { $0.cell.mode == mode && $0.resource == resource }.compactMap(\.side.median)
        return OrderStatistics.side(medians).median.map { Formatting.quantity($0, unit: "B") }
      }
      guard let runner = median(.runner), let guest = median(.guest) else { return nil }
      return GuestRow(mode: mode, runner: runner, guest: guest)
    }
  }
}

extension CapacitySection.Cell {
  /// A cell from the prices of its workload and mode; without any, it says so by its missing price.
  fileprivate init(_ mode: String, _ prices: [Price], rate: Double) {
    self.mode = mode
    let operation = prices.first { $0.per == .operation }?.side
    let bytes = prices.first { $0.per == .gibibyte }?.side.median
    price = operation?.median.map { Formatting.quantity($0, unit: "s") }
    interval = operation.flatMap { side in
      guard let median = side.median, let low = side.low, let high = side.high else { return nil }
      return Formatting.interval(low, high, around: median, unit: "s")
    }
    exact = CSV.number(operation?.median)
    processors = operation?.median.map { Formatting.number($0 * rate) }
    perGibibyte = bytes.map { Formatting.quantity($0, unit: "s") }
  }
}
