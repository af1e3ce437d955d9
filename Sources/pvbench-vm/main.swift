// pvbench-vm KEY=VALUE…: runs one guest (see MachineSpecification) and prints its report (see RunnerReport). A foreign guest's
// console has standard output, and its report is printed to standard error. Exit codes: 0 a report was printed, whatever it
// says; 1 no guest could be started; 64 usage; 69 the host has no KVM.
import Glibc
import Machine
import MachineLauncher

func fail(_ message: String, code: Int32) -> Never {
  let line = "pvbench-vm: \(message)\n"
  _ = line.withCString { write(STDERR_FILENO, $0, strlen($0)) }
  exit(code)
}

func print(_ report: RunnerReport, to descriptor: Int32) {
  var bytes = Array(report.text.utf8)[...]
  while !bytes.isEmpty {
    let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    guard count > 0 || errno == EINTR else { exit(1) }
    bytes = bytes.dropFirst(max(count, 0))
  }
}

do {
  let specification = try MachineSpecification(arguments: Array(CommandLine.arguments.dropFirst()))
  if let guest = specification.foreign {
    print(try ForeignRun.run(specification, guest), to: STDERR_FILENO)
  } else {
    print(try GuestRun.run(specification), to: STDOUT_FILENO)
  }
} catch let error as SpecificationError {
  fail("\(error)", code: EX_USAGE)
} catch let error as MachineError {
  fail("\(error)", code: error.isHostUnfit ? EX_UNAVAILABLE : EXIT_FAILURE)
} catch {
  fail("\(error)", code: EXIT_FAILURE)
}
