// bench-peers RUNNER REFERENCE FOLDER [ROUNDS [ROWS]]: runs pvbench-vm against its peers, and writes bars.md and bars.csv to
// FOLDER. ROWS are those whose name begins so.
// With PVBENCH_OTHER_VM, runs RUNNER against that build of it instead.
// Exit codes: 0 measured, whatever it says; 1 nothing could be written; 64 usage.
import Foundation

func fail(_ message: String, code: Int32) -> Never {
  FileHandle.standardError.write(Data("bench-peers: \(message)\n".utf8))
  exit(code)
}

let arguments = CommandLine.arguments.dropFirst().map { $0 }
guard (3...5).contains(arguments.count), let rounds = Int(arguments.count > 3 ? arguments[3] : "10"), rounds > 0
else { fail("usage: bench-peers RUNNER REFERENCE FOLDER [ROUNDS [ROWS]]", code: 64) }
let (runner, reference, folder) = (arguments[0], arguments[1], arguments[2])
let image = "\(folder)/disk.img"
do {
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  try DiskFile.make(at: image)
  defer { unlink(image) }
  let environment = ProcessInfo.processInfo.environment
  let other = environment["PVBENCH_OTHER_VM"]
  let programs = Programs(
    runner: runner, reference: reference, other: other ?? "",
    qemu: environment["PVBENCH_QEMU"] ?? "/usr/bin/qemu-system-x86_64")
  let rows = arguments.count == 5 ? arguments[4] : ""
  let duels = (other == nil ? Duels.all(image: image) : Duels.betweenBuilds(image: image)).filter {
    $0.name.hasPrefix(rows)
  }
  let outcomes = try Contest(programs: programs, image: image).run(duels, rounds: rounds)
  let findings = zip(duels, outcomes).flatMap { duel, outcome in duel.bars.map { Finding(duel, $0, outcome) } }
  let markdown = Table.markdown(findings)
  try Data(markdown.utf8).write(to: URL(filePath: "\(folder)/bars.md"), options: .atomic)
  try Data(Table.csv(findings).utf8).write(to: URL(filePath: "\(folder)/bars.csv"), options: .atomic)
  print(markdown, terminator: "")
} catch {
  fail("\(error.localizedDescription)", code: 1)
}
