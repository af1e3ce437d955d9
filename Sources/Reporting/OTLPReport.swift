import Foundation
import Measurement

/// `otlp.jsonl`: the run for OpenTelemetry, one JSON object a line and cell as the OTLP file exporter specifies it: an
/// `ExportMetricsServiceRequest` in the JSON encoding of OTLP 1.x, which the collector's `otlpjsonfile` receiver reads.
///
/// Every metric is a gauge with a data point for each repetition that measured it. Names are `pvbench.` and the metric's id,
/// units those of UCUM; suite, workload, mode, repetition and order are attributes.
public enum OTLPReport {
  /// The file's bytes.
  ///
  /// - Throws: `ReportError.notRepresentable` where a number is infinite or not a number.
  public static func render(_ run: RunRecord) throws(ReportError) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let metrics = MetricTable(run)
    let clock = Clock(run)
    var bytes: [UInt8] = []
    for cell in run.cells {
      let gauges = gauges(of: cell, metrics, clock)
      guard !gauges.isEmpty else { continue }
      let scope = Scope(scope: .init(name: "pvbench", version: run.version), metrics: gauges)
      let line = Line(resourceMetrics: [.init(resource: resource(run), scopeMetrics: [scope])])
      do {
        bytes += try encoder.encode(line)
        bytes.append(UInt8(ascii: "\n"))
      } catch {
        throw .notRepresentable("a metric of \(cell.workload) is infinite or not a number")
      }
    }
    return bytes
  }

  private static func gauges(of cell: CellRecord, _ metrics: MetricTable, _ clock: Clock) -> [Gauge] {
    let measured = cell.repetitions.filter { $0.status == .ok }
    return metrics.ordered(Set(measured.flatMap(\.metrics.keys))).map { id in
      let points = measured.compactMap { repetition in
        repetition.metrics[id].map { value in
          Point(
            attributes: [
              Attribute("suite", cell.suite), Attribute("workload", cell.workload), Attribute("mode", cell.mode),
              Attribute("repetition", repetition.index), Attribute("order", repetition.order),
            ], startTimeUnixNano: clock.start, timeUnixNano: clock.end, asDouble: value)
        }
      }
      return Gauge(
        name: "pvbench.\(id)", description: metrics[id]?.label ?? id, unit: ucum(metrics[id]?.unit ?? "1"),
        gauge: .init(dataPoints: points))
    }
  }

  private static func resource(_ run: RunRecord) -> Resource {
    Resource(attributes: [
      Attribute("service.name", "pvbench"), Attribute("service.version", run.version),
      Attribute("host.name", run.host.name), Attribute("os.version", run.host.kernel),
      Attribute("pvbench.run", run.id), Attribute("pvbench.fingerprint", run.host.fingerprint),
    ])
  }

  /// UCUM writes bytes as `By`.
  private static func ucum(_ unit: String) -> String { unit.replacing("B", with: "By") }

  /// Begin and end of the run in nanoseconds since 1970; a run that did not end has its beginning only.
  private struct Clock {
    let start: String
    let end: String

    init(_ run: RunRecord) {
      start = Self.nanoseconds(run.started) ?? "0"
      end = run.finished.flatMap(Self.nanoseconds) ?? start
    }

    private static func nanoseconds(_ text: String) -> String? {
      (try? Date(text, strategy: .iso8601)).map { "\(Int64($0.timeIntervalSince1970))000000000" }
    }
  }

  // The names of these types' properties are those of OTLP's protocol buffers in lowerCamelCase.

  private struct Line: Encodable { let resourceMetrics: [ResourceMetrics] }
  private struct ResourceMetrics: Encodable {
    let resource: Resource
    let scopeMetrics: [Scope]
  }
  private struct Resource: Encodable { let attributes: [Attribute] }
  private struct Scope: Encodable {
    struct Name: Encodable { let name, version: String }
    let scope: Name
    let metrics: [Gauge]
  }
  private struct Gauge: Encodable {
    struct Points: Encodable { let dataPoints: [Point] }
    let name, description, unit: String
    let gauge: Points
  }
  private struct Point: Encodable {
    let attributes: [Attribute]
    /// 64-bit integers are strings in the JSON of protocol buffers.
    let startTimeUnixNano, timeUnixNano: String
    let asDouble: Double
  }
  private struct Attribute: Encodable {
    struct Value: Encodable {
      var stringValue: String?
      var intValue: String?
    }
    let key: String
    let value: Value
    init(_ key: String, _ value: String) { (self.key, self.value) = (key, Value(stringValue: value)) }
    init(_ key: String, _ value: Int) { (self.key, self.value) = (key, Value(intValue: "\(value)")) }
  }
}
