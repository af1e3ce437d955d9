import GuestMemory
import KVM
import MachineLauncher

/// A foreign kernel, its format known by its content.
enum ForeignKernel {
  case linux(LinuxImage)
  /// An ELF with a PVH note, Linux's vmlinux among them.
  case pvh(ELFImage, entry: UInt64)
  /// A 64-bit ELF without one: entered as Linux's vmlinux is.
  case vmlinux(ELFImage)
  case multiboot(MultibootImage)

  /// How the first vCPU starts.
  enum Entry: Equatable {
    case protected(ProtectedModeEntry)
    /// 64-bit mode, RSI holding the address of boot_params.
    case long(GuestAddress)
  }

  /// Reads the headers of `image`.
  init(_ image: any ImageSource, _ bootProtocol: ForeignGuest.BootProtocol) throws(ForeignImageError) {
    if bootProtocol == .automatic {
      if let linux = try LinuxImage(image) {
        self = .linux(linux)
        return
      }
      if let executable = try ELFImage(image), executable.is64Bit || executable.notes.pvhEntry != nil {
        self = executable.notes.pvhEntry.map { .pvh(executable, entry: $0) } ?? .vmlinux(executable)
        return
      }
    }
    guard let multiboot = try MultibootImage(image) else {
      throw bootProtocol == .automatic
        ? .unknownFormat : .unsupported("has no multiboot header in its first 8192 bytes")
    }
    self = .multiboot(multiboot)
  }

  /// What it is, for the reader of a result.
  var name: String {
    switch self {
    case .linux: "bzImage, 64-bit entry"
    case .pvh: "ELF, PVH entry"
    case .vmlinux: "ELF, 64-bit entry with boot_params"
    case .multiboot: "multiboot 1"
    }
  }

  /// Whether it is certainly Linux.
  var isLinux: Bool {
    switch self {
    case .linux, .vmlinux: true
    case .pvh(let executable, _): executable.notes.isLinux
    case .multiboot: false
    }
  }

  /// Puts the kernel into memory.
  ///
  /// - Returns: how it is entered, and the end of what it takes.
  func load(_ image: any ImageSource, into memory: GuestMemory) throws(ForeignImageError) -> (entry: Entry, end: UInt64)
  {
    let information = UInt32(ForeignLayout.information.value)
    switch self {
    case .linux(let linux):
      let (entry, end) = try linux.load(image, into: memory)
      return (.long(GuestAddress(entry)), end)
    case .vmlinux(let executable):
      return (.long(GuestAddress(executable.entry)), try executable.load(image, into: memory))
    case .pvh(let executable, let entry):
      let end = try executable.load(image, into: memory)
      return (.protected(ProtectedModeEntry(entry: GuestAddress(entry), ebx: information)), end)
    case .multiboot(let multiboot):
      let (entry, end) = try multiboot.load(image, into: memory)
      return (
        .protected(
          ProtectedModeEntry(entry: GuestAddress(entry), eax: MultibootImage.loaderMagic, ebx: information)), end
      )
    }
  }

  /// Where a ramdisk or a module of `byteCount` bytes goes. Multiboot's is just above the kernel, where its memory allocators
  /// expect it; others' is as high as can be.
  func placeRamdisk(
    byteCount: UInt64, above end: UInt64, in memory: GuestMemory
  ) throws(ForeignImageError) -> GuestAddress {
    var limit = UInt64(memory.byteCount)
    switch self {
    case .linux(let linux): limit = linux.ramdiskLimit
    case .multiboot:
      let page = UInt64(GuestMemory.pageByteCount)
      limit =
        ((max(end, ForeignLayout.highMemory) &+ page - 1) & ~(page - 1)) &+ ((byteCount &+ page - 1) & ~(page - 1))
    case .pvh, .vmlinux: break
    }
    return try ForeignLayout.ramdisk(byteCount: byteCount, above: end, below: limit, in: memory)
  }

  /// Writes everything that the kernel is told, in the form that it expects.
  func write(_ handover: Handover, into memory: GuestMemory) throws(ForeignImageError) {
    var limit = Int.max
    if case .linux(let linux) = self { limit = linux.commandLineLimit }
    try handover.writeCommandLine(into: memory, limit: limit)
    switch self {
    case .linux(let linux): handover.writeBootParameters(header: linux.header, into: memory)
    case .vmlinux: handover.writeBootParameters(header: nil, into: memory)
    case .pvh: handover.writeStartInfo(into: memory)
    case .multiboot: handover.writeMultibootInformation(into: memory)
    }
  }
}
