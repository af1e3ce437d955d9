import CLinuxKVM
import Glibc
import Synchronization

/// What can go wrong with guest memory.
public enum GuestMemoryError: Error, Equatable, CustomStringConvertible {
  /// `[address, address + count)` is not wholly inside guest RAM.
  case outOfRange(GuestAddress, count: UInt64)
  /// An access that must be naturally aligned was not.
  case misaligned(GuestAddress, alignment: Int)
  /// The host has not reserved enough hugetlb pages of this size, in bytes.
  case noHugePages(size: Int)
  /// The host refused the mapping; `errno` says why.
  case cannotMap(byteCount: Int, errno: Int32)
  /// The host did not bind the pages to these NUMA nodes; `errno` says why.
  case cannotBind(nodes: [Int], errno: Int32)
  /// The host did not take the pages back; `errno` says why.
  case cannotDiscard(GuestAddress, errno: Int32)

  /// What happened, in one line.
  public var description: String {
    switch self {
    case .outOfRange(let address, let count): "guest address \(address) + \(count) bytes is outside guest RAM"
    case .misaligned(let address, let alignment): "guest address \(address) is not \(alignment)-byte aligned"
    case .noHugePages(let size): "the host has no free hugetlb pages of \(size >> 20) MiB (see proc(5), nr_hugepages)"
    case .cannotMap(let count, let code): "cannot map \(count) bytes of guest RAM: \(String(cString: strerror(code)))"
    case .cannotBind(let nodes, let code):
      "cannot bind guest RAM to NUMA \(nodes.count == 1 ? "node" : "nodes") "
        + "\(nodes.map(String.init).joined(separator: ", ")): \(String(cString: strerror(code)))"
    case .cannotDiscard(let address, let code):
      "cannot discard guest RAM at \(address): \(String(cString: strerror(code)))"
    }
  }
}

/// Host memory behind a validated guest range, for system calls only (iovec, io_uring, KVM slots). The guest may
/// change these bytes at any moment: user code never reads through it.
public struct HostRange: @unchecked Sendable {
  /// First byte, in host virtual memory; valid as long as the `GuestMemory` that it came from.
  public let start: UnsafeMutableRawPointer
  /// Length in bytes.
  public let count: Int

  /// Describes `count` bytes of host memory from `start`.
  public init(start: UnsafeMutableRawPointer, count: Int) {
    self.start = start
    self.count = count
  }
}

/// One guest's RAM at guest-physical address 0: private anonymous memory, or a memfd where other processes shall see it. Every
/// access is bounds-checked and copies, because the guest is hostile and runs at the same time; nothing else in the program
/// touches guest bytes.
public final class GuestMemory: @unchecked Sendable {
  /// Bytes of a page: what RAM is mapped and given back in.
  public static let pageByteCount = 4096

  /// Size in bytes, a multiple of the page size.
  public let byteCount: Int
  /// The memfd behind shared RAM, borrowed; nil where RAM is private.
  public let descriptor: Int32?
  private let base: UnsafeMutableRawPointer
  private let mappedByteCount: Int
  /// The lowest guest-physical address that there is.
  private let origin: UInt64

  /// Maps `byteCount` bytes (rounded up to 4 KiB) of zeroed, demand-paged RAM, of `pages`. Guest-physical and host addresses are
  /// aligned alike, so that KVM can map whole pages. `isShared` asks for RAM of a memfd, for another process to map too.
  public init(byteCount: Int, pages: PageKind = .small, isShared: Bool = false) throws(GuestMemoryError) {
    let rounded = (min(byteCount, .max - 4095) + 4095) & ~4095
    let (base, mapped) = try Self.map(rounded, pages)
    let descriptor = isShared ? pv_memfd("guest", rounded) : -1
    guard !isShared || descriptor >= 0 else {
      munmap(base, mapped)
      throw .cannotMap(byteCount: rounded, errno: -descriptor)
    }
    if isShared, mmap(base, rounded, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, descriptor, 0) == MAP_FAILED {
      let code = errno
      munmap(base, mapped)
      close(descriptor)
      throw .cannotMap(byteCount: rounded, errno: code)
    }
    pages.advise(base, mapped)
    self.base = base
    self.descriptor = isShared ? descriptor : nil
    self.byteCount = rounded
    mappedByteCount = mapped
    origin = 0
  }

  /// RAM whose addresses are those of this process too, for a guest that is run natively: nothing is below `origin`, which
  /// must be no lower than what the host lets processes map (/proc/sys/vm/mmap_min_addr), and `byteCount` counts from address 0.
  /// The bytes may be executed. Pages of a reserved pool are refused: RAM does not begin at a multiple of them.
  public init(inPlaceFrom origin: GuestAddress, byteCount: Int, pages: PageKind = .small) throws(GuestMemoryError) {
    let start = UnsafeMutableRawPointer(bitPattern: UInt(origin.value))
    let length = byteCount - Int(clamping: origin.value)
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | pages.mappingFlags | pv_map_fixed_noreplace
    guard length > 0, let base = mmap(start, length, PROT_READ | PROT_WRITE | PROT_EXEC, flags, -1, 0),
      base != MAP_FAILED
    else { throw .cannotMap(byteCount: byteCount, errno: length > 0 ? errno : EINVAL) }
    pages.advise(base, length)
    self.base = base
    mappedByteCount = length
    self.origin = origin.value
    self.byteCount = byteCount
    descriptor = nil
  }

  /// Private anonymous memory for `byteCount` bytes at a multiple of the pages' size, and how much of it there is: what was
  /// mapped beside it to find such a place is given back. The kernel itself finds one for pages of a pool.
  private static func map(
    _ byteCount: Int, _ pages: PageKind
  ) throws(GuestMemoryError) -> (UnsafeMutableRawPointer, byteCount: Int) {
    let alignment = pages.alignment
    let (total, overflow) = byteCount.addingReportingOverflow(pages.isReserved ? alignment - 1 : alignment - 4096)
    let length = pages.isReserved ? total & ~(alignment - 1) : total
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | pages.mappingFlags
    guard !overflow, let start = mmap(nil, length, PROT_READ | PROT_WRITE, flags, -1, 0), start != MAP_FAILED else {
      if pages.isReserved, !overflow, errno == ENOMEM { throw .noHugePages(size: alignment) }
      throw .cannotMap(byteCount: byteCount, errno: overflow ? ENOMEM : errno)
    }
    guard !pages.isReserved else { return (start, length) }
    let base = UnsafeMutableRawPointer(
      bitPattern: (UInt(bitPattern: start) + UInt(alignment - 1)) & ~UInt(alignment - 1))
    guard let base else { throw .cannotMap(byteCount: byteCount, errno: ENOMEM) }
    let before = base - start
    if before > 0 { munmap(start, before) }
    if total - before > byteCount { munmap(base + byteCount, total - before - byteCount) }
    return (base, byteCount)
  }

  deinit {
    munmap(base, mappedByteCount)
    if let descriptor { close(descriptor) }
  }

  /// The whole of RAM, to be handed to KVM as a memory slot at guest-physical address 0.
  public var slot: HostRange { HostRange(start: base, count: byteCount - Int(origin)) }

  /// The host memory behind `count` bytes at `address`, for system calls only.
  public func hostRange(at address: GuestAddress, count: Int) throws(GuestMemoryError) -> HostRange {
    guard count >= 0, address.value >= origin, address.value <= UInt64(byteCount),
      UInt64(count) <= UInt64(byteCount) - address.value
    else {
      throw .outOfRange(address, count: UInt64(clamping: count))
    }
    return HostRange(start: base + Int(address.value - origin), count: count)
  }

  /// Gives whole pages back to the host (madvise(2): MADV_DONTNEED, or MADV_REMOVE for a memfd, in which it punches a hole
  /// for all who share it): they take no memory until they are touched again, and then hold zeroes. The guest may use them at
  /// any moment.
  public func discard(at address: GuestAddress, count: Int) throws(GuestMemoryError) {
    let range = try hostRange(at: address, count: count)
    guard (address.value | UInt64(count)).isMultiple(of: UInt64(Self.pageByteCount)) else {
      throw .misaligned(address, alignment: Self.pageByteCount)
    }
    let advice = descriptor == nil ? MADV_DONTNEED : MADV_REMOVE
    guard madvise(range.start, range.count, advice) == 0 else { throw .cannotDiscard(address, errno: errno) }
  }

  /// Copies one value out of guest memory. No alignment is asked for.
  public func read<Value: BitwiseCopyable>(_ type: Value.Type, at address: GuestAddress) throws(GuestMemoryError)
    -> Value
  {
    let range = try hostRange(at: address, count: MemoryLayout<Value>.size)
    // SAFETY: the range was just checked; `Value` is bitwise copyable and loaded unaligned.
    return range.start.loadUnaligned(as: Value.self)
  }

  /// Copies one value into guest memory. No alignment is asked for.
  public func write<Value: BitwiseCopyable>(_ value: Value, at address: GuestAddress) throws(GuestMemoryError) {
    let range = try hostRange(at: address, count: MemoryLayout<Value>.size)
    // SAFETY: as in `read`.
    range.start.storeBytes(of: value, as: Value.self)
  }

  /// Copies guest bytes from `address` into all of `bytes`.
  public func read(at address: GuestAddress, into bytes: UnsafeMutableRawBufferPointer) throws(GuestMemoryError) {
    let range = try hostRange(at: address, count: bytes.count)
    guard let target = bytes.baseAddress else { return }
    // SAFETY: both ranges hold `bytes.count` bytes; guest RAM never overlaps a caller's own buffer.
    target.copyMemory(from: range.start, byteCount: bytes.count)
  }

  /// Copies `count` guest bytes from `address` into a new array.
  public func bytes(at address: GuestAddress, count: Int) throws(GuestMemoryError) -> [UInt8] {
    let range = try hostRange(at: address, count: count)
    // SAFETY: the range was just checked, and the copy is made before anything looks at it.
    return [UInt8](UnsafeRawBufferPointer(start: range.start, count: count))
  }

  /// Copies all of `bytes` into guest memory at `address`.
  public func write(_ bytes: UnsafeRawBufferPointer, at address: GuestAddress) throws(GuestMemoryError) {
    let range = try hostRange(at: address, count: bytes.count)
    guard let source = bytes.baseAddress else { return }
    // SAFETY: both ranges hold `bytes.count` bytes.
    range.start.copyMemory(from: source, byteCount: bytes.count)
  }

  /// Copies all of `bytes` into guest memory at `address`.
  public func write(_ bytes: [UInt8], at address: GuestAddress) throws(GuestMemoryError) {
    let range = try hostRange(at: address, count: bytes.count)
    bytes.withUnsafeBytes { source in
      guard let start = source.baseAddress else { return }
      // SAFETY: both ranges hold `bytes.count` bytes.
      range.start.copyMemory(from: start, byteCount: source.count)
    }
  }

  /// Loads a 16-bit value with acquire ordering (virtio 1.2, 2.7.13: an index is read before what it publishes).
  public func loadAcquire16(at address: GuestAddress) throws(GuestMemoryError) -> UInt16 {
    try atomic16(at: address).pointee.load(ordering: .acquiring)
  }

  /// Stores a 16-bit value with release ordering: everything written before it is visible to whoever reads it.
  public func storeRelease16(_ value: UInt16, at address: GuestAddress) throws(GuestMemoryError) {
    try atomic16(at: address).pointee.store(value, ordering: .releasing)
  }

  /// A full memory barrier, for the store-then-load handshakes of EVENT_IDX (virtio 1.2, 2.7.10).
  @inlinable public static func fullBarrier() { atomicMemoryFence(ordering: .sequentiallyConsistent) }

  private func atomic16(at address: GuestAddress) throws(GuestMemoryError) -> UnsafeMutablePointer<Atomic<UInt16>> {
    guard address.value & 1 == 0 else { throw .misaligned(address, alignment: 2) }
    let range = try hostRange(at: address, count: 2)
    // SAFETY: in range and aligned; `Atomic<UInt16>` has the layout of a UInt16, and the memory lives as long as `self`.
    return range.start.assumingMemoryBound(to: Atomic<UInt16>.self)
  }
}
