import CLinuxKVM
import Glibc

/// A pipe from another program: what it writes is read here.
struct Pipe: ~Copyable {
  let readEnd: Int32
  private var writeEnd: Int32?

  /// Makes both ends, closed by exec.
  init() throws(MachineError) {
    var ends: [Int32] = [0, 0]
    guard Glibc.pipe(&ends) == 0 else { throw .wiring("no pipe: \(String(cString: strerror(errno)))") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    readEnd = ends[0]
    writeEnd = ends[1]
  }

  deinit {
    close(readEnd)
    if let writeEnd { close(writeEnd) }
  }

  /// What the other program is given.
  var forWriting: Int32 { writeEnd ?? -1 }

  /// The other program has its end: with that, the pipe ends.
  mutating func handOver() {
    if let writeEnd { close(writeEnd) }
    writeEnd = nil
  }

  /// What has come, once a poll says that something has; empty at the end.
  func read() -> [UInt8] {
    var chunk = [UInt8](repeating: 0, count: 65_536)
    var count = Glibc.read(readEnd, &chunk, chunk.count)
    while count < 0, errno == EINTR { count = Glibc.read(readEnd, &chunk, chunk.count) }
    return Array(chunk.prefix(max(count, 0)))
  }
}

/// A file in memory that another program reads by its path.
struct PayloadFile: ~Copyable {
  let descriptor: Int32

  /// A file that holds `bytes`.
  init(_ bytes: [UInt8], name: String) throws(MachineError) {
    descriptor = pv_memfd(name, bytes.count)
    guard descriptor >= 0 else { throw .wiring("no memory file: \(String(cString: strerror(-descriptor)))") }
    var offset = 0
    while offset < bytes.count {
      let count = bytes[offset...].withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, off_t(offset)) }
      guard count > 0 || errno == EINTR else {
        throw .wiring("cannot write a memory file: \(String(cString: strerror(errno)))")
      }
      offset += max(count, 0)
    }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }
}
