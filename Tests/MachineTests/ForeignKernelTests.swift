import GuestMemory
import KVM
import MachineLauncher
import Testing

@testable import Machine

@Suite("loading a foreign kernel")
struct ForeignKernelTests {
  private let memory: GuestMemory
  private static let ramEnd: UInt64 = 32 << 20

  init() throws { memory = try GuestMemory(byteCount: Int(Self.ramEnd)) }

  private func load(
    _ bytes: [UInt8], _ bootProtocol: ForeignGuest.BootProtocol = .automatic
  ) throws(ForeignImageError) -> (kernel: ForeignKernel, entry: ForeignKernel.Entry, end: UInt64) {
    let image = ImageBytes(bytes)
    let kernel = try ForeignKernel(image, bootProtocol)
    let (entry, end) = try kernel.load(image, into: memory)
    return (kernel, entry, end)
  }

  private func loadError(
    _ bytes: [UInt8], _ bootProtocol: ForeignGuest.BootProtocol = .automatic
  ) -> ForeignImageError? {
    do throws(ForeignImageError) { _ = try load(bytes, bootProtocol) } catch { return error }
    return nil
  }

  // MARK: formats

  @Test func aBzImageIsEnteredInLongModeBehindItsFirstBytes() throws {
    let (kernel, entry, end) = try load(ForeignBzImage().bytes)
    #expect(kernel.name == "bzImage, 64-bit entry")
    #expect(entry == .long(GuestAddress(0x20_0200)))
    #expect(end == 0x21_0000)
    #expect(try memory.bytes(at: GuestAddress(0x20_0100), count: 2) == [0, 1])
  }

  @Test func anELFWithAPVHNoteIsEnteredIn32Bits() throws {
    let (kernel, entry, end) = try load(ForeignELF(pvhEntry: 0x20_0004).bytes)
    #expect(kernel.name == "ELF, PVH entry")
    #expect(entry == .protected(ProtectedModeEntry(entry: GuestAddress(0x20_0004), ebx: 0x7000)))
    #expect(end == 0x20_0020)
    #expect(try memory.bytes(at: GuestAddress(0x20_0000), count: 3) == [1, 2, 3])
  }

  /// Whether Linux has left a note beside that of the PVH entry.
  @Test(arguments: [true, false]) func aPVHGuestIsLinuxWhereItSaysSo(hasLinuxNote: Bool) throws {
    let kernel = try load(ForeignELF(pvhEntry: 0x20_0004, hasLinuxNote: hasLinuxNote).bytes).kernel
    #expect(kernel.isLinux == hasLinuxNote)
  }

  @Test func aBzImageAndAVmlinuxWithoutANoteAreLinux() throws {
    #expect(try load(ForeignBzImage().bytes).kernel.isLinux)
    #expect(try load(ForeignELF(entry: 0x20_0008).bytes).kernel.isLinux)
  }

  @Test func a64BitELFWithoutANoteIsEnteredLikeVmlinux() throws {
    let (kernel, entry, _) = try load(ForeignELF(entry: 0x20_0008).bytes)
    #expect(kernel.name == "ELF, 64-bit entry with boot_params")
    #expect(entry == .long(GuestAddress(0x20_0008)))
  }

  @Test func a32BitELFWithAMultibootHeaderIsEnteredAtItsPhysicalEntry() throws {
    let elf = ForeignELF(
      is64Bit: false, machine: 3, entry: 0xC020_0004, virtual: 0xC020_0000, multibootFlags: 3)
    let (kernel, entry, _) = try load(elf.bytes)
    #expect(kernel.name == "multiboot 1")
    let expected = ProtectedModeEntry(entry: GuestAddress(0x20_0004), eax: 0x2BAD_B002, ebx: 0x7000)
    #expect(entry == .protected(expected))
  }

  @Test func multibootAddressesTakeTheELFsPlace() throws {
    let (_, entry, end) = try load(Self.flat(load: 0x30_0000, loadEnd: 0x30_0028, bssEnd: 0x30_1000))
    #expect(entry == .protected(ProtectedModeEntry(entry: GuestAddress(0x30_0020), eax: 0x2BAD_B002, ebx: 0x7000)))
    #expect(end == 0x30_1000)
    #expect(try memory.bytes(at: GuestAddress(0x30_0020), count: 9) == [1, 2, 3, 4, 5, 6, 7, 8, 0])
  }

  @Test func aFlatImageWithoutAnEndIsLoadedWhole() throws {
    let (_, _, end) = try load(Self.flat(load: 0x30_0000, loadEnd: 0, bssEnd: 0))
    #expect(end == 0x30_0000 + UInt64(Self.flat(load: 0x30_0000, loadEnd: 0, bssEnd: 0).count))
  }

  /// A file that begins with a multiboot header with addresses, 32 bytes, then 16 bytes of content.
  private static func flat(
    load: UInt32, loadEnd: UInt32, bssEnd: UInt32, header: UInt32? = nil
  ) -> [UInt8] {
    let flags: UInt32 = 1 << 16
    let words = [
      0x1BAD_B002, flags, 0 &- (0x1BAD_B002 &+ flags), header ?? load, load, loadEnd, bssEnd, load &+ 0x20,
    ]
    return words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(8 * $0)) } }
      + (1...16).map { UInt8($0) }
  }

  // MARK: what is refused

  @Test(arguments: [[], [0x7F], [UInt8](repeating: 0x90, count: 4096), Array("#!/bin/sh\nexit 0\n".utf8)])
  func whatIsNoKernelIsRefused(bytes: [UInt8]) { #expect(loadError(bytes) == .unknownFormat) }

  @Test func everyTruncationOfAnELFIsRefused() {
    let bytes = ForeignELF(pvhEntry: 0x20_0000).bytes
    let accepted = bytes.indices.filter { loadError(Array(bytes[..<$0])) == nil }
    #expect(accepted.isEmpty)
  }

  @Test func everyTruncationOfABzImageIsRefused() {
    let bytes = ForeignBzImage().bytes
    let accepted = bytes.indices.filter { loadError(Array(bytes[..<$0])) == nil }
    #expect(accepted.isEmpty)
  }

  @Test func aTruncatedKernelIsCalledOne() {
    #expect(loadError(ForeignBzImage().bytes.dropLast()) == .truncated(what: "kernel"))
    #expect(loadError(ForeignELF().bytes.dropLast()) == .truncated(what: "segments"))
  }

  @Test(arguments: [UInt64(0), 0x7000, 0x9_F000, 0xE_0000, 0xF_FFFF])
  func aSegmentInReservedMemoryIsRefused(address: UInt64) {
    var elf = ForeignELF(physical: address)
    elf.memorySize = 0x1000
    #expect(
      loadError(elf.bytes) == .overlapsReserved(GuestAddress(address), end: GuestAddress(address + 0x1000)))
  }

  @Test func lowMemoryBelowTheFirmwareMayBeUsed() throws {
    #expect(try load(ForeignELF(entry: 0x2_0000, virtual: 0x2_0000, physical: 0x2_0000).bytes).end == 0x2_0020)
  }

  /// Physical address and size in memory; RAM ends at 32 MiB.
  static let outsideRAM: [(UInt64, UInt64)] = [
    (32 << 20, 32), ((32 << 20) - 16, 32), (.max - 15, 32), (0x20_0000, .max), (.max, .max),
  ]

  @Test(arguments: outsideRAM)
  func aKernelThatIsLargerThanRAMIsRefused(address: UInt64, size: UInt64) {
    let error = loadError(ForeignELF(physical: address, memorySize: size).bytes)
    let (end, overflow) = address.addingReportingOverflow(size)
    #expect(error == .tooLarge(end: overflow ? .max : end, memory: Self.ramEnd))
  }

  @Test func aBzImagesWorkspaceMustFit() {
    #expect(
      loadError(ForeignBzImage(workspace: 0x200_0000).bytes) == .tooLarge(end: 0x220_0000, memory: Self.ramEnd))
  }

  @Test func anOldProtocolIsRefused() {
    #expect(loadError(ForeignBzImage(version: 0x020B).bytes)?.description.contains("protocol 2.11") == true)
    #expect(loadError(ForeignBzImage(loadFlags: 0).bytes) == .unsupported("is a Linux kernel without a 64-bit entry"))
    #expect(loadError(ForeignBzImage(jump: 0x10).bytes) == .truncated(what: "setup header"))
  }

  @Test func aBzImageWithoutAKernelIsRefused() {
    #expect(loadError(ForeignBzImage(paragraphs: 0).bytes) == .truncated(what: "kernel"))
    #expect(loadError(ForeignBzImage(sectors: 255).bytes) == .truncated(what: "kernel"))
  }

  @Test func otherMachinesAreRefused() {
    #expect(loadError(ForeignELF(machine: 183).bytes)?.description.contains("machine 183") == true)
  }

  @Test(arguments: [UInt64(0x500), 1 << 40, .max, .max - 55])
  func aHeaderTableOutsideTheFileIsRefused(table: UInt64) {
    #expect(loadError(ForeignELF(table: table).bytes) == .truncated(what: "program headers"))
  }

  @Test(arguments: [UInt32(64), .max])
  func aNoteThatIsLongerThanItsSegmentIsRefused(length: UInt32) {
    #expect(loadError(ForeignELF(pvhEntry: 1, noteLength: length).bytes) == .truncated(what: "notes"))
  }

  @Test func multibootNeedsAHeader() {
    let elf = ForeignELF(is64Bit: false, machine: 3)
    #expect(
      loadError(elf.bytes, .multiboot) == .unsupported("has no multiboot header in its first 8192 bytes"))
  }

  @Test func multibootRefusesA64BitELF() {
    let text = loadError(ForeignELF(multibootFlags: 0).bytes, .multiboot)?.description
    #expect(text?.hasPrefix("is a 64-bit ELF") == true)
  }

  @Test func multibootRefusesWhatItDoesNotOffer() {
    let elf = ForeignELF(is64Bit: false, machine: 3, multibootFlags: 4)
    #expect(loadError(elf.bytes)?.description.contains("flags 0x4") == true)
  }

  /// Load address, its end, the end of the BSS and the header's address, each of which contradicts another.
  static let contradictions: [(UInt32, UInt32, UInt32, UInt32)] = [
    (0x30_0000, 0x2F_0000, 0, 0x30_0000), (0x30_0000, 0x30_0020, 0x30_0010, 0x30_0000),
    (0x30_0000, 0, 0, 0x2F_FFFF), (0x30_0000, 0, 0, 0x30_1000), (0x30_0000, 0x30_1000, 0, 0x30_0000),
  ]

  @Test(arguments: contradictions)
  func contradictingMultibootAddressesAreRefused(load: UInt32, loadEnd: UInt32, bssEnd: UInt32, header: UInt32) {
    #expect(loadError(Self.flat(load: load, loadEnd: loadEnd, bssEnd: bssEnd, header: header)) != nil)
  }

  // MARK: ramdisks

  @Test func aRamdiskIsAsHighAsItCanBe() throws {
    let kernel = try load(ForeignELF(pvhEntry: 0x20_0000).bytes).kernel
    #expect(try kernel.placeRamdisk(byteCount: 5000, above: 0x20_0020, in: memory) == GuestAddress(0x1FF_E000))
  }

  @Test func aBzImageLimitsItsRamdisk() throws {
    let kernel = try load(ForeignBzImage(ramdiskLimit: 0xFF_FFFF).bytes).kernel
    #expect(try kernel.placeRamdisk(byteCount: 4096, above: 0x21_0000, in: memory) == GuestAddress(0xFF_F000))
  }

  @Test func notEvenAnEmptyRamdiskLiesBelowItsKernel() throws {
    let kernel = try load(ForeignBzImage(ramdiskLimit: 0xFFFF).bytes).kernel
    #expect(throws: ForeignImageError.initrdDoesNotFit(byteCount: 0, room: 0)) {
      try kernel.placeRamdisk(byteCount: 0, above: 0x21_0000, in: memory)
    }
  }

  @Test func aModuleIsJustAboveItsKernel() throws {
    let kernel = try load(ForeignELF(is64Bit: false, machine: 3, multibootFlags: 0).bytes).kernel
    #expect(try kernel.placeRamdisk(byteCount: 30, above: 0x20_0020, in: memory) == GuestAddress(0x20_1000))
  }

  @Test(arguments: [UInt64(30 << 20), 1 << 40, .max])
  func aRamdiskThatDoesNotFitIsRefused(byteCount: UInt64) throws {
    let kernel = try load(ForeignBzImage().bytes).kernel
    #expect(throws: ForeignImageError.initrdDoesNotFit(byteCount: byteCount, room: Self.ramEnd - 0x21_0000)) {
      try kernel.placeRamdisk(byteCount: byteCount, above: 0x21_0000, in: memory)
    }
  }
}
