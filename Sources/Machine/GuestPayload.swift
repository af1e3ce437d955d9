import GuestImage
import Glibc
import GuestMemory
import MachineLauncher
import PVWire

/// What a guest is given, whichever program runs it: its ELF and its orders.
enum GuestPayload {
  /// The embedded ELF, or the one that the specification names.
  static func image(_ specification: MachineSpecification) throws(MachineError) -> [UInt8] {
    guard let path = specification.guestImage else { return GuestImage.bytes() }
    guard let file = fopen(path, "rb") else { throw .guestImage(.cannotRead(path: path, errno: errno)) }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
    guard ferror(file) == 0 else { throw .guestImage(.cannotRead(path: path, errno: errno)) }
    return bytes
  }

  /// The orders. `hasRing` says that guest and host share the result ring and the heartbeat; otherwise results go over the UART.
  static func orders(_ specification: MachineSpecification, tscHertz: UInt64, hasRing: Bool = true) -> Orders {
    var parameters = specification.parameters.map { parameter in
      let value = UInt64(parameter.value).map(ParameterValue.number) ?? .word(Array(parameter.value.utf8))
      return (name: Array(parameter.name.utf8), value: value)
    }
    for subsystem in MachineProfile.toldToGuest {
      let name = Array(subsystem.utf8)
      guard let choice = specification.choices[subsystem], !parameters.contains(where: { $0.name == name }) else {
        continue
      }
      parameters.append((name, .word(Array(choice.utf8))))
    }
    if !parameters.contains(where: { $0.name == Array("vcpus".utf8) }) {
      parameters.append((Array("vcpus".utf8), .number(UInt64(specification.vcpus))))
    }
    if !parameters.contains(where: { $0.name == Array("ram".utf8) }) {
      parameters.append((Array("ram".utf8), .number(specification.memory)))
    }
    if case .null = specification.disk { parameters.append((Array("verify".utf8), .word(Array("no".utf8)))) }
    // Other runners' controllers have a bus master whether the mode has one or not.
    if specification.choices["disk"] == "ide-pio" {
      parameters.append((Array("transfer".utf8), .word(Array("pio".utf8))))
    }
    return Orders(
      kernel: Array(specification.kernel.utf8), parameters: parameters, seed: specification.seed, tscHertz: tscHertz,
      warmupNanoseconds: specification.warmupNanoseconds, windowNanoseconds: specification.windowNanoseconds,
      ring: hasRing ? MemoryMap.ring : 0, ringSize: hasRing ? MemoryMap.ringSize : 0,
      heartbeat: hasRing ? MemoryMap.heartbeat : 0)
  }
}

extension GuestMemory {
  /// RAM as the machine is to have it: of its kind of pages, on its NUMA nodes.
  convenience init(of specification: MachineSpecification) throws(GuestMemoryError) {
    try self.init(byteCount: Int(specification.memory), pages: specification.pages)
    if !specification.memoryNodes.isEmpty { try bind(to: specification.memoryNodes) }
  }
}

extension MachineSpecification {
  /// What guest RAM is made of on the host.
  var pages: PageKind { choices["pages"].flatMap(PageKind.init) ?? .small }
}
