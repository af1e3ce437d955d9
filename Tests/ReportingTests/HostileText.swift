import Measurement

/// Words from outside that try to be more than words.
enum HostileText {
  /// For browsers, spreadsheets, terminals, readers of Markdown and parsers of XML.
  static let all = [
    "<script>alert(1)</script>", "\" onload=\"x", "<\u{338}img src=x>", "\"\u{301} onload=x y=\"", "\u{600}\"x",
    "</style><b>", "{{{style}}}", "=cmd|' /C calc'!A0", "@SUM(1)", "-1+2|x", "a|b\n\n# c\n- d", "```\n</details>\n```",
    "[x](javascript:alert(1))", "]]>&amp;<!--", "\u{FFFE}\u{0}\u{1B}[31m", "x\"} 1\npvbench_fake 1",
  ]

  /// `run` with `text` wherever it holds words that come from outside.
  static func filled(_ run: RunRecord, with text: String) -> RunRecord {
    var run = run
    run.id = text
    run.version = text
    run.host.kernel = text
    run.host.warnings = [text]
    run.host.cpu = ["model": .string(text), text: .object([text: .string(text)])]
    run.command = [text]
    for cell in run.cells.indices {
      run.cells[cell].choices = [text: text]
      for index in run.cells[cell].repetitions.indices {
        run.cells[cell].repetitions[index].reason = text
        run.cells[cell].repetitions[index].notes = [text]
        run.cells[cell].repetitions[index].exits.byReason[text] = 10_000
        run.cells[cell].repetitions[index].exits.byDetail["io:" + text] = ExitTally(exits: 10_000)
      }
    }
    for index in run.comparisons.indices {
      run.comparisons[index].reason = text
      run.comparisons[index].test = text
    }
    let costs = LookingRecord.Row(
      workload: text, mode: text, instrument: text, metric: text, n: 1, on: 1, off: 1, ratio: (1, 1, 1),
      exitSeconds: (1, 1, 1))
    run.looking = LookingRecord(measured: text, version: text, fingerprint: text, rows: [costs])
    for index in run.attribution?.indices ?? 0..<0 {
      run.attribution?[index].from = text
      run.attribution?[index].reason = text
      for part in run.attribution?[index].parts.indices ?? 0..<0 {
        run.attribution?[index].parts[part].choice = text
        run.attribution?[index].parts[part].after = text
      }
    }
    return run
  }
}
