// pvbench-vm KEY=VALUE…: runs one guest (see MachineSpecification) and prints its report (see RunnerReport). Exit codes: 0 a
// report was printed, whatever it says; 1 no guest could be started; 64 usage; 69 the host has no KVM.
import Glibc
import Machine
import MachineLauncher

func fail(_ message: String, code: Int32) -> Never {
  let line = "pvbench-vm: \(message)\n"
  _ = line.withCString { write(STDERR_FILENO, $0, strlen($0)) }
  exit(code)
}

do {
  let specification = try MachineSpecification(arguments: Array(CommandLine.arguments.dropFirst()))
  let text = try GuestRun.run(specification).text
  var bytes = Array(text.utf8)[...]
  while !bytes.isEmpty {
    let count = bytes.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
    guard count > 0 || errno == EINTR else { exit(1) }
    bytes = bytes.dropFirst(max(count, 0))
  }
} catch let error as SpecificationError {
  fail("\(error)", code: EX_USAGE)
} catch let error as MachineError {
  fail("\(error)", code: error.isHostUnfit ? EX_UNAVAILABLE : EXIT_FAILURE)
} catch {
  fail("\(error)", code: EXIT_FAILURE)
}
