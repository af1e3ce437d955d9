import Foundation
import GuestImage
import Testing

extension RealGuests {
  /// `pvbench boot` with a guest in assembly that knows nothing of pvbench.
  @Suite("foreign guests", .serialized) struct BootTests {
    private static let program = "\(TemporaryFolder.programFolder)/pvbench"
    private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fixtures/boot").path

    /// The multiboot guest of Tests/Fixtures/boot, built once for all tests by the toolchain's own compiler and linker.
    private static let guest: Result<String, any Error> = Result {
      let folder = "\(TemporaryFolder.programFolder)/pvbench-test-guest"
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      let object = "\(folder)/multiboot.o"
      let tools = try Child.run([
        "/usr/bin/env", "PATH=\(ProcessInfo.processInfo.environment["PATH"] ?? "")", "which", "clang", "ld.lld",
      ])
      let paths = tools.output.split(separator: "\n").map(String.init)
      try #require(paths.count == 2, "clang and ld.lld of the Swift toolchain are not in PATH")
      let compiled = try Child.run([
        paths[0], "--target=i386-unknown-none-elf", "-c", "-o", object, "\(fixtures)/multiboot.S",
      ])
      try #require(compiled.status == 0, "\(compiled.errors)")
      let linked = try Child.run([
        paths[1], "-m", "elf_i386", "-static", "-T", "\(fixtures)/multiboot.ld", "-o", "\(folder)/multiboot", object,
      ])
      try #require(linked.status == 0, "\(linked.errors)")
      return "\(folder)/multiboot"
    }

    private func boot(_ arguments: [String]) throws -> Child.Result {
      try Child.run([Self.program, "boot"] + arguments)
    }

    @Test(arguments: [1, 4])
    func aMultibootGuestRunsToItsStatus(vcpus: Int) throws {
      let result = try boot(["--multiboot", try Self.guest.get(), "--vcpus", "\(vcpus)", "--memory", "96MiB"])
      #expect(
        result.output == "processors \(vcpus) memory 96\nall processors are here\nfive ticks\nten milliseconds\n")
      #expect(result.errors.contains("the guest wrote status 0"))
      #expect(result.status == 0)
    }

    @Test func itsKindIsKnownByItsContent() throws {
      let result = try boot(["--kernel", try Self.guest.get()])
      #expect(result.errors.contains("kernel: multiboot 1"))
      #expect(result.status == 0)
    }

    @Test func ourOwnGuestIsAnyGuestWithAPVHNote() throws {
      let folder = try TemporaryFolder()
      let result = try boot(["--kernel", try folder.file("guest", GuestImage.bytes())])
      // It is not told what to do, and says so.
      #expect(result.output == "pvbench guest\nno orders: not started by PVH with an orders module\n")
      #expect(result.errors.contains("kernel: ELF, PVH entry"))
      #expect(result.status == 0)
    }

    @Test func aModuleOfTheUsersTakesThePlaceOfOurs() throws {
      let folder = try TemporaryFolder()
      let module = try folder.file("module", Array("nothing of interest".utf8))
      let result = try boot(["--multiboot", try Self.guest.get(), "--initrd", module])
      #expect(result.status == 1)
      #expect(
        result.errors.contains("pvbench: the guest wrote status 2 on the debug-exit port (QEMU would exit with 5)"))
    }

    @Test func phasesComeInTheirOrder() throws {
      let result = try boot(["--multiboot", try Self.guest.get(), "--json"])
      let record = try #require(
        try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
      #expect(record["status"] as? String == "ok")
      let phases = try #require(record["phases"] as? [[String: Any]])
      let times = phases.compactMap { $0["seconds"] as? Double }
      #expect(times.count == 4)
      #expect(times == times.sorted())
    }

    @Test func theConsoleIsKeptWhereThatIsAskedFor() throws {
      let folder = try TemporaryFolder()
      let result = try boot(["--multiboot", try Self.guest.get(), "--json", "--log", "\(folder.path)/console"])
      #expect(result.status == 0)
      #expect(
        String(decoding: TemporaryFolder.contents(of: "\(folder.path)/console"), as: UTF8.self)
          .hasSuffix("ten milliseconds\n"))
    }

    @Test func aGuestThatHangsIsGivenUp() throws {
      let folder = try TemporaryFolder()
      // A multiboot header with addresses, and `jmp .` behind it.
      let words: [UInt32] = [
        0x1BAD_B002, 0x1_0000, 0 &- 0x1BAE_B002, 0x10_0000, 0x10_0000, 0, 0, 0x10_0020, 0xFEEB,
      ]
      let bytes = words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(8 * $0)) } }
      let result = try boot(["--multiboot", try folder.file("loop", bytes), "--timeout", "500ms"])
      #expect(result.status == 1)
      #expect(result.errors.contains("pvbench: the guest did not end within 0.5 s"))
    }

    @Test func whatIsNoKernelIsOneLineAndExitCode1() throws {
      let folder = try TemporaryFolder()
      let file = try folder.file("text", Array("#!/bin/sh\n".utf8))
      let result = try boot(["--kernel", file])
      #expect(result.status == 1)
      #expect(
        result.errors
          == "pvbench: \(file) is neither a Linux kernel (bzImage or vmlinux) nor an ELF with a PVH note nor a multiboot image\n"
      )
    }

    @Test func aTruncatedGuestIsOneLine() throws {
      let folder = try TemporaryFolder()
      let bytes = TemporaryFolder.contents(of: try Self.guest.get())
      let file = try folder.file("short", Array(bytes.prefix(4200)))
      let result = try boot(["--multiboot", file])
      #expect(result.status == 1)
      #expect(result.errors.hasPrefix("pvbench: \(file) is truncated: it ends before its "))
      #expect(result.errors.split(separator: "\n").count == 1)
    }

    @Test func aMissingFileIsAUsageError() throws {
      let result = try boot(["--kernel", "/nonexistent/vmlinuz"])
      #expect(result.status == 64)
      #expect(result.errors == "pvbench: --kernel /nonexistent/vmlinuz: no such file or directory\n")
    }
  }
}
