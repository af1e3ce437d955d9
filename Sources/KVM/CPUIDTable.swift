import CLinuxKVM

/// The CPUID leaves that a vCPU shows to its guest (KVM_SET_CPUID2). A value: every change makes another table.
public struct CPUIDTable: Equatable, Sendable {
  /// One leaf (Intel SDM volume 2A, CPUID).
  public struct Entry: Equatable, Sendable {
    /// The leaf: EAX of the instruction.
    public var function: UInt32
    /// The subleaf (ECX of the instruction), or nil where the leaf ignores it.
    public var index: UInt32?
    /// EAX as the guest sees it.
    public var eax: UInt32
    /// EBX as the guest sees it.
    public var ebx: UInt32
    /// ECX as the guest sees it.
    public var ecx: UInt32
    /// EDX as the guest sees it.
    public var edx: UInt32

    /// A leaf; see the properties.
    public init(
      function: UInt32, index: UInt32? = nil, eax: UInt32 = 0, ebx: UInt32 = 0, ecx: UInt32 = 0, edx: UInt32 = 0
    ) {
      self.function = function
      self.index = index
      self.eax = eax
      self.ebx = ebx
      self.ecx = ecx
      self.edx = edx
    }

    init(raw: kvm_cpuid_entry2) {
      let isIndexed = raw.flags & Self.significantIndex != 0
      self.init(
        function: raw.function, index: isIndexed ? raw.index : nil, eax: raw.eax, ebx: raw.ebx, ecx: raw.ecx,
        edx: raw.edx)
    }

    var raw: kvm_cpuid_entry2 {
      kvm_cpuid_entry2(
        function: function, index: index ?? 0, flags: index == nil ? 0 : Self.significantIndex, eax: eax, ebx: ebx,
        ecx: ecx, edx: edx, padding: (0, 0, 0))
    }

    /// KVM_CPUID_FLAG_SIGNIFCANT_INDEX.
    private static let significantIndex: UInt32 = 1
  }

  /// All leaves, in KVM's order.
  public private(set) var entries: [Entry]

  /// A table of these leaves.
  public init(entries: [Entry]) { self.entries = entries }

  /// The leaf `function`, with subleaf `index` where the leaf has subleaves.
  public func entry(_ function: UInt32, index: UInt32 = 0) -> Entry? {
    entries.first { $0.function == function && ($0.index ?? index) == index }
  }

  /// Puts `entry` in place of the same leaf and subleaf, or adds it.
  public mutating func set(_ entry: Entry) {
    if let position = entries.firstIndex(where: { $0.function == entry.function && $0.index == entry.index }) {
      entries[position] = entry
    } else {
      entries.append(entry)
    }
  }

  /// Removes every leaf in `functions`, with all its subleaves.
  public mutating func remove(_ functions: ClosedRange<UInt32>) {
    entries.removeAll { functions.contains($0.function) }
  }

  /// The same processor without any sign of a hypervisor: no leaves from 0x4000_0000 on, CPUID.1:ECX[31] clear.
  public func hidingHypervisor() -> CPUIDTable {
    var table = self
    table.remove(0x4000_0000...0x4fff_ffff)
    table.update(1) { $0.ecx &= ~(1 << 31) }
    return table
  }

  /// The same processor with XSAVE and AVX (CPUID.1:ECX[26] and [28]) where leaf 0xD lists their states: some hosts list them
  /// and leave out the bits, without which KVM does not let a guest switch them on.
  public func showingListedStates() -> CPUIDTable {
    guard let states = entry(0xd)?.eax, states & 0b11 == 0b11 else { return self }
    var table = self
    table.update(1) { $0.ecx |= 1 << 26 | (states & 0b100) << 26 }
    return table
  }

  /// The same processor with the sign of a hypervisor, CPUID.1:ECX[31], without which guests do not look for KVM's leaves.
  public func showingHypervisor() -> CPUIDTable {
    var table = self
    table.update(1) { $0.ecx |= 1 << 31 }
    return table
  }

  /// The same processor with the TSC-deadline mode of its local APIC's timer, CPUID.1:ECX[24].
  public func showingTSCDeadline() -> CPUIDTable {
    var table = self
    table.update(1) { $0.ecx |= 1 << 24 }
    return table
  }

  /// The same processor as vCPU `index` sees it: its APIC id in leaves 1 (EBX[31:24]), 0xB and 0x1F (EDX).
  public func forVCPU(_ index: Int) -> CPUIDTable {
    let identifier = UInt32(truncatingIfNeeded: index)
    var table = self
    table.update(0x1) { $0.ebx = $0.ebx & 0x00ff_ffff | identifier << 24 }
    table.update(0xb) { $0.edx = identifier }
    table.update(0x1f) { $0.edx = identifier }
    return table
  }

  /// True where a guest may use XSAVE (CPUID.1:ECX[26]).
  public var hasXSAVE: Bool { (entry(1)?.ecx ?? 0) & 1 << 26 != 0 }

  /// What a guest's XCR0 is set to: x87 and SSE, and AVX where leaf 0xD allows it; nil without XSAVE.
  public var xcr0: UInt64? {
    guard hasXSAVE, let states = entry(0xd) else { return nil }
    return UInt64(states.eax) & 0b111 | 0b1
  }

  private mutating func update(_ function: UInt32, _ change: (inout Entry) -> Void) {
    for position in entries.indices where entries[position].function == function { change(&entries[position]) }
  }
}
