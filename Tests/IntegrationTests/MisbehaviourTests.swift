import Machine
import MachineLauncher
import Measurement
import Testing

extension RealGuests {
  @Suite("guests that misbehave")
  struct MisbehaviourTests {
    private func report(how: String) throws -> RunnerReport {
      var specification = MachineSpecification()
      specification.kernel = "misbehave"
      specification.parameters = [("how", how)]
      specification.timeoutNanoseconds = how == "hang" ? 300_000_000 : 30_000_000_000
      return try GuestRun.run(specification)
    }

    /// What the guest does, and how the reason that the user reads begins.
    static let ways: [(how: String, reason: String)] = [
      ("hang", "the guest did not finish within 0.3 s (its heartbeat stands at "),
      ("triplefault", "the guest triple-faulted"),
      ("nonsense", "the guest's result ring is nonsense: "),
      ("lie", "the guest's result ring is nonsense: head 9223372036854775807 does not fit the ring"),
      ("panic", "the guest panicked: exception 6, "),
      ("sulk", "misbehave does not know how"),
    ]

    @Test(arguments: ways)
    func theRepetitionFailsAndSaysWhy(how: String, reason: String) throws {
      let report = try report(how: how)
      #expect(report.status == .failed)
      #expect(report.reason?.hasPrefix(reason) == true, "\(report.reason ?? "no reason")")
      #expect(report.metrics["window.ops"] == nil)
    }

    @Test func aPanicTellsWhere() throws {
      #expect(try #require(report(how: "panic").reason).contains(" at 0x1"))
    }

    @Test(arguments: ["", "disc", "a kernel's name that is much longer than twenty-four bytes"])
    func anUnknownKernelFails(kernel: String) throws {
      var specification = MachineSpecification()
      specification.kernel = kernel
      let report = try GuestRun.run(specification)
      #expect(report.status == .failed)
      #expect(report.reason == "the guest has no workload kernel of this name")
    }

    @Test func aGuestThatIsNoELFIsRefused() throws {
      let folder = try TemporaryFolder()
      var specification = MachineSpecification()
      specification.guestImage = try folder.file(
        "guest.elf", Array("#!/bin/sh\nexit 0 # long enough for a header".utf8))
      #expect { try GuestRun.run(specification) } throws: { error in
        "\(error)" == "guest image: not a little-endian ELF64 executable"
      }
    }

    @Test func aGuestThatIsMissingIsNamed() {
      var specification = MachineSpecification()
      specification.guestImage = "/nonexistent/guest.elf"
      #expect { try GuestRun.run(specification) } throws: { error in
        "\(error)" == "guest image: cannot read /nonexistent/guest.elf: No such file or directory"
      }
    }

    @Test func aGuestThatIsAFolderIsNamed() {
      var specification = MachineSpecification()
      specification.guestImage = "/"
      #expect { try GuestRun.run(specification) } throws: { error in
        "\(error)" == "guest image: cannot read /: Is a directory"
      }
    }
  }
}
