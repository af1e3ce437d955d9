import MachineLauncher
import Measurement

/// Reads a suite file. A row is checked completely when it is read: names, units, ranges and references.
struct SuiteDecoder {
  private static let suiteKeys = ["suite", "summary", "defaults", "workloads"]
  private static let defaultKeys = [
    "guest", "kernel", "primary", "metrics", "floors", "modes", "tags", "requires", "warmup", "window",
    "repetitions",
  ]
  private static let rowKeys = ["id", "summary", "parameters"] + defaultKeys
  private static let modeNames = MachineProfile.modes.map(\.name)

  /// The suite that `text` describes; `file` is for messages.
  static func decode(file: String, text: String) throws(YAMLFileError) -> Suite {
    let root = try YAMLCursor(file: file, text: text)
    var suite = Suite(name: "", summary: "", workloads: [])
    var template = Workload(
      suite: "", id: "", summary: "", kernel: "", parameters: [], primary: "throughput.ops", metrics: [], floors: [:],
      modes: modeNames, tags: [], requires: [:], warmupNanoseconds: 500_000_000, windowNanoseconds: 2_000_000_000)
    var rows: [YAMLCursor] = []
    for (key, value) in try root.mapping(keys: suiteKeys) {
      switch key {
      case "suite": suite.name = try value.text("the suite's name")
      case "summary": suite.summary = try value.text("a sentence")
      case "defaults":
        for (key, value) in try value.mapping(keys: defaultKeys) { try set(key, from: value, in: &template) }
      default: rows = try value.list("a list of workloads")
      }
    }
    guard !suite.name.isEmpty else { throw root.error("key 'suite' is missing") }
    template.suite = suite.name
    for row in rows {
      let workload = try decode(row, template: template)
      guard !suite.workloads.contains(where: { $0.id == workload.id }) else {
        throw row.error("workload '\(workload.id)' is there twice")
      }
      suite.workloads.append(workload)
    }
    return suite
  }

  private static func decode(_ row: YAMLCursor, template: Workload) throws(YAMLFileError) -> Workload {
    var workload = template
    var parameters: YAMLCursor?
    for (key, value) in try row.mapping(keys: rowKeys) {
      if key == "parameters" { parameters = value } else { try set(key, from: value, in: &workload) }
    }
    for (key, isMissing) in [
      ("id", workload.id.isEmpty), ("kernel", workload.kernel.isEmpty), ("metrics", workload.metrics.isEmpty),
    ] where isMissing {
      throw row.error("key '\(key)' is missing")
    }
    guard workload.id.hasPrefix(workload.suite + ".") else {
      throw row.error("id: expected a name that begins with '\(workload.suite).', found '\(workload.id)'")
    }
    guard workload.metrics.contains(workload.primary) else {
      throw row.error("primary: '\(workload.primary)' is not among the workload's metrics")
    }
    let guest = KernelSchema.named(workload.kernel)?.guest ?? .pvbench
    guard guest == workload.guest ?? .pvbench else {
      throw row.error("kernel '\(workload.kernel)' needs guest: \(guest.rawValue)")
    }
    workload.parameters = try decodeParameters(parameters, of: workload.kernel, row: row)
    return workload
  }

  /// Sets one key of a row or of the defaults.
  private static func set(_ key: String, from value: YAMLCursor, in workload: inout Workload) throws(YAMLFileError) {
    switch key {
    case "id": workload.id = try value.text("a name such as disk.randread.4k.qd1")
    case "summary": workload.summary = try value.text("a sentence")
    case "guest":
      let name = try value.word(of: GuestKind.allCases.map(\.rawValue), kind: "guest")
      workload.guest = GuestKind(rawValue: name)
    case "kernel": workload.kernel = try value.word(of: KernelSchema.all.map(\.name), kind: "kernel")
    case "primary":
      workload.primary = try value.word(of: MetricCatalog.all.filter(\.primary).map(\.id), kind: "primary metric")
    case "metrics": workload.metrics = try decodeMetrics(value)
    case "floors": workload.floors = try decodeFloors(value)
    case "modes": workload.modes = try value.words(of: modeNames, kind: "mode")
    case "tags":
      workload.tags = []
      for element in try value.list("a list of tags") { workload.tags.append(try element.text("a tag")) }
    case "requires": workload.requires = try decodeRequirements(value)
    case "repetitions": workload.repetitions = Int(try value.count(in: 1...10_000))
    case "warmup": workload.warmupNanoseconds = try value.nanoseconds()
    default: workload.windowNanoseconds = try value.nanoseconds()
    }
  }

  private static func decodeMetrics(_ list: YAMLCursor) throws(YAMLFileError) -> [String] {
    let known = MetricCatalog.all.map(\.id)
    var metrics: [String] = []
    for element in try list.list("a list of metrics") {
      let id = try element.text("a metric")
      guard known.contains(id) else {
        throw element.error("unknown metric '\(id)'" + NearestName.hint(for: id, in: known))
      }
      metrics.append(id)
    }
    return metrics
  }

  private static func decodeFloors(_ value: YAMLCursor) throws(YAMLFileError) -> [String: FloorOverride] {
    var floors: [String: FloorOverride] = [:]
    for (id, entry) in try value.mapping(keys: MetricCatalog.all.map(\.id)) {
      var floor = FloorOverride()
      for (key, value) in try entry.mapping(keys: ["relative", "absolute"]) {
        if key == "relative" {
          guard let fraction = Quantity.fraction(try value.text("a percentage such as 5%")) else {
            throw value.expected("a percentage such as 5%")
          }
          floor.relative = fraction
        } else {
          floor.absolute = try decodeAbsolute(value, unit: MetricCatalog.metric(id)?.unit ?? "1")
        }
      }
      floors[id] = floor
    }
    return floors
  }

  /// An absolute floor in the metric's own unit.
  private static func decodeAbsolute(_ value: YAMLCursor, unit: String) throws(YAMLFileError) -> Double {
    switch unit {
    case "s": return Double(try value.nanoseconds()) / 1e9
    case "B": return Double(try value.bytes(in: 0...UInt64.max, multipleOf: 1))
    default:
      guard let number = Quantity.decimal(try value.text("a number")) else {
        throw value.expected("a number (in \(unit))")
      }
      return number
    }
  }

  private static func decodeRequirements(_ value: YAMLCursor) throws(YAMLFileError) -> [String: [String]] {
    var requirements: [String: [String]] = [:]
    for (name, entry) in try value.mapping(keys: MachineProfile.subsystems.map(\.name)) {
      let values = MachineProfile.subsystems.first { $0.name == name }?.values.map(\.name) ?? []
      requirements[name] = try entry.words(of: values, kind: "\(name) choice")
    }
    return requirements
  }

  private static func decodeParameters(
    _ value: YAMLCursor?, of kernel: String, row: YAMLCursor
  ) throws(YAMLFileError) -> [Workload.Parameter] {
    let schema = KernelSchema.named(kernel)?.parameters ?? []
    var parameters: [Workload.Parameter] = []
    for (name, entry) in try value?.mapping(keys: schema.map(\.name)) ?? [] {
      guard let kind = schema.first(where: { $0.name == name })?.kind else { continue }
      let text =
        switch kind {
        case .size(let range, let unit): String(try entry.bytes(in: range, multipleOf: unit))
        case .count(let range): String(try entry.count(in: range))
        case .duration(let range): String(try entry.nanoseconds(in: range))
        case .word(let words): try entry.word(of: words, kind: name)
        }
      parameters.append(Workload.Parameter(name: name, value: text))
    }
    func isNeeded(_ parameter: ParameterSchema) -> Bool {
      guard let cause = parameter.neededBy else { return parameter.isRequired }
      return parameters.contains { $0.name == cause.name && $0.value == cause.value }
    }
    for required in schema where isNeeded(required) && !parameters.contains(where: { $0.name == required.name }) {
      throw (value ?? row).error("parameter '\(required.name)' of kernel '\(kernel)' is missing")
    }
    return parameters
  }
}
