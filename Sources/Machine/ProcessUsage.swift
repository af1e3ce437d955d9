import CLinuxKVM
import Glibc
import GuestMemory

/// What this process costs the host.
enum ProcessUsage {
  /// CPU seconds of all threads so far, user and system (getrusage(2)); io_uring's kernel threads are included.
  static func cpuSeconds() -> Double {
    var usage = rusage()
    getrusage(RUSAGE_SELF.rawValue, &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
  }

  /// CPU seconds of all threads of another process so far (clock_getcpuclockid(3)); nil where it is gone.
  static func cpuSeconds(of process: pid_t) -> Double? {
    var clock = clockid_t()
    var time = timespec()
    guard clock_getcpuclockid(process, &clock) == 0, clock_gettime(clock, &time) == 0 else { return nil }
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// The calling thread's id.
  static var thread: Int32 { pv_gettid() }

  /// Seconds that a thread, by default the calling one, has waited for a CPU so far, from /proc/TID/schedstat (Linux,
  /// scheduler/sched-stats.rst); nil where the kernel keeps no such account.
  static func runDelaySeconds(of thread: Int32 = thread) -> Double? {
    let descriptor = open("/proc/\(thread)/schedstat", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    // Three numbers of 64 bits, and no more memory than they take: this is read where the runner's own is measured.
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = read(descriptor, &bytes, bytes.count)
    return count > 0 ? runDelaySeconds(inSchedstat: bytes[..<count]) : nil
  }

  /// The same from the text of that file: time on CPUs, time waiting for one, turns.
  static func runDelaySeconds(inSchedstat text: ArraySlice<UInt8>) -> Double? {
    let fields = text.split { $0 == 32 || $0 == 10 }
    guard fields.count == 3, fields[1].allSatisfy({ (48...57).contains($0) }) else { return nil }
    return fields[1].reduce(0.0) { $0 * 10 + Double($1 - 48) } / 1e9
  }

  /// Bytes that this process has had read from storage, past the page cache or into it (proc(5), io: read_bytes); nil where the
  /// kernel keeps no such account.
  static func storageReadBytes() -> UInt64? { text(of: "/proc/self/io").flatMap(storageReadBytes(inAccount:)) }

  /// The same from the text of that file.
  static func storageReadBytes(inAccount text: String) -> UInt64? {
    let name = "read_bytes: "
    return text.split(separator: "\n").first { $0.hasPrefix(name) }.flatMap { UInt64($0.dropFirst(name.count)) }
  }

  /// Proportional set size in bytes of guest RAM and of everything else, from /proc/self/smaps (proc(5)); nil where it
  /// cannot be read.
  static func memory(guest: HostRange) -> (guest: UInt64, runner: UInt64)? {
    let start = UInt(bitPattern: guest.start)
    return contents(of: "/proc/self/smaps").map { text in
      sizes(text) { $0.lowerBound >= start && $0.lowerBound < start + UInt(guest.count) }
    }
  }

  /// The same of another process, whose guest RAM is its one mapping of `guestBytes`; nil where there is no such mapping.
  static func memory(of process: pid_t, guestBytes: UInt64) -> (guest: UInt64, runner: UInt64)? {
    guard let text = contents(of: "/proc/\(process)/smaps") else { return nil }
    return memory(inMappings: text, guestBytes: guestBytes)
  }

  /// The same from the text of an smaps file.
  static func memory(inMappings text: [UInt8], guestBytes: UInt64) -> (guest: UInt64, runner: UInt64)? {
    var found = 0
    let sizes = sizes(text) { range in
      let isGuest = UInt64(range.count) == guestBytes
      found += isGuest ? 1 : 0
      return isGuest
    }
    return found == 1 ? sizes : nil
  }

  private static func sizes(_ text: [UInt8], isGuest: (Range<UInt>) -> Bool) -> (guest: UInt64, runner: UInt64) {
    var sizes = (guest: UInt64(0), runner: UInt64(0))
    var isInGuest = false
    for line in text.split(separator: 10) {
      if let range = mapping(line) {
        isInGuest = isGuest(range)
      } else if line.starts(with: "Pss:".utf8) {
        let kibibytes = line.reduce(UInt64(0)) { (48...57).contains($1) ? $0 * 10 + UInt64($1 - 48) : $0 }
        if isInGuest { sizes.guest += kibibytes * 1024 } else { sizes.runner += kibibytes * 1024 }
      }
    }
    return sizes
  }

  /// The addresses in a mapping's heading (`7f00-7f01 rw-p …`), nil for any other line.
  private static func mapping(_ line: ArraySlice<UInt8>) -> Range<UInt>? {
    guard let dash = line.firstIndex(of: 45), let space = line.firstIndex(of: 32), dash < space,
      let start = hexadecimal(line[..<dash]), let end = hexadecimal(line[(dash + 1)..<space]), start <= end
    else { return nil }
    return start..<end
  }

  private static func hexadecimal(_ digits: ArraySlice<UInt8>) -> UInt? {
    var value: UInt = 0
    for byte in digits {
      switch byte {
      case 48...57: value = value << 4 | UInt(byte - 48)
      case 97...102: value = value << 4 | UInt(byte - 87)
      default: return nil
      }
    }
    return digits.isEmpty ? nil : value
  }

  /// The text of a file of /proc; nil where it cannot be read.
  static func text(of path: String) -> String? { contents(of: path).map { String(decoding: $0, as: UTF8.self) } }

  /// The processes or threads that a folder of /proc lists.
  static func numbers(in folder: String) -> [Int32] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var numbers: [Int32] = []
    while let entry = readdir(directory) {
      // SAFETY: the entry is valid until the next call, and its name ends with a zero.
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if let number = Int32(name) { numbers.append(number) }
    }
    return numbers
  }

  /// A file of /proc; nil where it cannot be read.
  static func contents(of path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16384)
    while case let count = read(descriptor, &chunk, chunk.count), count > 0 { bytes += chunk[..<count] }
    return bytes
  }
}
