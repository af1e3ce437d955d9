import GuestMemory
import PVWire

/// What a kernel's loader tells it, whatever the protocol.
struct Handover {
  var commandLine: [UInt8]
  /// The initial ramdisk, or the only module.
  var ramdisk: Range<UInt64>?
  /// ACPI's root pointer; nil where the guest has no tables.
  var acpiRoot: GuestAddress?

  /// Writes the command line where every protocol's structure will point.
  func writeCommandLine(into memory: GuestMemory, limit: Int) throws(ForeignImageError) {
    let limit = min(limit, ForeignLayout.commandLineByteCount - 1)
    guard commandLine.count <= limit else {
      throw .commandLineTooLong(byteCount: commandLine.count, limit: limit)
    }
    put(commandLine + [0], at: ForeignLayout.commandLine, memory)
  }

  /// PVH's start_info, version 1 (Xen, `public/arch-x86/hvm/start_info.h`): 56 bytes, then the module and the memory map.
  func writeStartInfo(into memory: GuestMemory) {
    let base = ForeignLayout.information
    let (modules, map) = (base + 0x40, base + 0x60)
    let entries = ForeignLayout.memoryMap(memory)
    var info = ByteWriter()
    for word in [0x336E_C578, 1, 0, UInt32(ramdisk == nil ? 0 : 1)] { info.put(word) }
    info.put(ramdisk == nil ? 0 : modules.value)
    info.put(ForeignLayout.commandLine.value)
    info.put(acpiRoot?.value ?? 0)
    info.put(map.value)
    info.put(UInt32(entries.count))
    info.put(UInt32(0))
    put(info.bytes, at: base, memory)
    if let ramdisk {
      var module = ByteWriter()
      for word in [ramdisk.lowerBound, UInt64(ramdisk.count), 0, 0] { module.put(word) }
      put(module.bytes, at: modules, memory)
    }
    var table = ByteWriter()
    for entry in entries {
      table.put(entry.start)
      table.put(entry.byteCount)
      table.put(entry.type)
      table.put(UInt32(0))
    }
    put(table.bytes, at: map, memory)
  }

  /// Multiboot's information (0.6.96, 3.3): memory, command line, modules, memory map, the loader's name.
  func writeMultibootInformation(into memory: GuestMemory) {
    let base = ForeignLayout.information
    let (modules, name, map) = (base + 0x80, base + 0xA0, base + 0xC0)
    var table = ByteWriter()
    for entry in ForeignLayout.memoryMap(memory) {
      table.put(UInt32(20))  // the entry's size, without this field
      table.put(entry.start)
      table.put(entry.byteCount)
      table.put(entry.type)
    }
    let flags: UInt32 = 1 << 0 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9
    var info = ByteWriter()
    info.put(flags)
    info.put(UInt32(ForeignLayout.lowMemoryEnd >> 10))
    info.put(UInt32((UInt64(memory.byteCount) - ForeignLayout.highMemory) >> 10))
    info.put(UInt32(0))  // boot device
    info.put(UInt32(ForeignLayout.commandLine.value))
    info.put(UInt32(ramdisk == nil ? 0 : 1))
    info.put(UInt32(modules.value))
    for _ in 0..<4 { info.put(UInt32(0)) }  // symbols
    info.put(UInt32(table.bytes.count))
    info.put(UInt32(map.value))
    for _ in 0..<3 { info.put(UInt32(0)) }  // drives, configuration table
    info.put(UInt32(name.value))
    put(info.bytes, at: base, memory)
    var module = ByteWriter()
    for word in [ramdisk?.lowerBound ?? 0, ramdisk?.upperBound ?? 0, name.value, 0] {
      module.put(UInt32(truncatingIfNeeded: word))
    }
    put(module.bytes, at: modules, memory)
    put(Array("pvbench\0".utf8), at: name, memory)
    put(table.bytes, at: map, memory)
  }

  /// Linux's boot_params (Documentation/arch/x86/zero-page.rst). `header` is a bzImage's own setup header; a vmlinux has none, and
  /// gets what the 64-bit entry looks at.
  func writeBootParameters(header: [UInt8]?, into memory: GuestMemory) {
    let base = ForeignLayout.information
    put([UInt8](repeating: 0, count: 4096), at: base, memory)
    if let header {
      put(header, at: base + LinuxImage.headerOffset, memory)
    } else {
      put([0x55, 0xAA], at: base + 0x1FE, memory)
      put(Array("HdrS".utf8) + [0x0F, 0x02], at: base + 0x202, memory)
    }
    func put32(_ value: UInt64, at offset: UInt64) {
      put((0..<4).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }, at: base + offset, memory)
    }
    if let acpiRoot { put32(acpiRoot.value, at: 0x070) }
    put([0xFF], at: base + 0x210, memory)  // a boot loader without a number
    put32(ramdisk?.lowerBound ?? 0, at: 0x218)
    put32(UInt64(ramdisk?.count ?? 0), at: 0x21C)
    put32(ForeignLayout.commandLine.value, at: 0x228)
    var table = ByteWriter()
    let entries = ForeignLayout.memoryMap(memory)
    for entry in entries {
      table.put(entry.start)
      table.put(entry.byteCount)
      table.put(entry.type)
    }
    put([UInt8(entries.count)], at: base + 0x1E8, memory)
    put(table.bytes, at: base + 0x2D0, memory)
  }

  /// Below 1 MiB there is always RAM: the smallest guest has 32 MiB.
  private func put(_ bytes: [UInt8], at address: GuestAddress, _ memory: GuestMemory) {
    do { try memory.write(bytes, at: address) } catch { preconditionFailure("\(error)") }
  }
}
