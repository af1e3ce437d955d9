/// A target as its package declares it and as its sources use it.
struct SourceTarget: Equatable, Sendable {
  /// Its name in the manifest.
  var name: String
  /// Direct dependencies: targets, products and plugins.
  var dependencies: Set<String>
  /// Modules that its Swift sources import.
  var imports: Set<String> = []
}

/// Compares targets with a table of permitted dependencies. Pure functions, so that the check itself can be tested.
enum ImportChecker {
  /// One sentence for everything that a table does not permit, sorted; empty where all is well.
  static func violations(of table: [String: Set<String>], in targets: [SourceTarget]) -> [String] {
    var violations: [String] = []
    let names = Set(targets.map(\.name))
    let projectModules = names.union(table.keys).union(table.values.joined())
    for target in targets {
      guard let permitted = table[target.name] else {
        violations.append("\(target.name) is not in the table")
        continue
      }
      violations += target.dependencies.subtracting(permitted).map { "\(target.name) may not depend on \($0)" }
      violations += permitted.subtracting(target.dependencies).map {
        "\(target.name) is permitted \($0), which it does not depend on"
      }
      violations += target.imports.intersection(projectModules).subtracting(target.dependencies).map {
        "\(target.name) imports \($0) without depending on it"
      }
    }
    violations += Set(table.keys).subtracting(names).map { "\($0) is in the table, but not in the package" }
    return violations.sorted()
  }

  /// One sentence for every target of `names` that imports a module of `modules`, sorted.
  static func imports(of modules: Set<String>, by names: Set<String>, in targets: [SourceTarget]) -> [String] {
    targets.filter { names.contains($0.name) }.flatMap { target in
      target.imports.intersection(modules).map { "\(target.name) imports \($0)" }
    }.sorted()
  }

  /// `name` and everything that it depends on, directly or not, but for `excluded` and what only they lead to.
  static func closure(of name: String, in targets: [SourceTarget], without excluded: Set<String> = []) -> Set<String> {
    var reached: Set<String> = []
    var waiting = [name]
    while let next = waiting.popLast() {
      guard !excluded.contains(next), reached.insert(next).inserted else { continue }
      waiting += targets.first { $0.name == next }?.dependencies ?? []
    }
    return reached
  }

  /// Modules that Swift source text imports, whatever attributes, access levels or kinds stand around `import`.
  static func imports(in source: String) -> Set<String> {
    var modules: Set<String> = []
    for line in source.split(whereSeparator: \.isNewline) {
      var words = line.split(separator: ";")[...].first?.split(whereSeparator: \.isWhitespace)[...] ?? []
      while let word = words.first, word.hasPrefix("@") || modifiers.contains(String(word)) { words.removeFirst() }
      guard words.popFirst() == "import" else { continue }
      if let kind = words.first, kinds.contains(String(kind)) { words.removeFirst() }
      if let module = words.first?.split(separator: ".").first { modules.insert(String(module)) }
    }
    return modules
  }

  private static let modifiers: Set<String> = ["public", "package", "internal", "fileprivate", "private"]
  private static let kinds: Set<String> = [
    "struct", "class", "enum", "protocol", "typealias", "func", "var", "let", "actor",
  ]
}
