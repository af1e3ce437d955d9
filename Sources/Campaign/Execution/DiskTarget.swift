import Glibc
import PVWire

/// A file or block device that the user names with `--disk`. Everything in its first 64 MiB is going to be overwritten, so
/// it must be the right thing, and hold nothing that anybody could miss.
enum DiskTarget {
  /// Checks that `path` can be a disk at all: it exists, is a file or block device, writable and large enough.
  static func check(_ path: String, needed: UInt64) throws(CampaignError) {
    var status = stat()
    guard stat(path, &status) == 0 else { throw .usage("--disk \(path): \(words(errno))") }
    let type = status.st_mode & S_IFMT
    guard type != S_IFDIR else { throw .usage("--disk \(path): is a directory (name a file or a block device)") }
    guard type == S_IFREG || type == S_IFBLK else {
      throw .usage("--disk \(path): neither a file nor a block device")
    }
    // Root may open what nobody is meant to write.
    guard type != S_IFREG || status.st_mode & 0o222 != 0 else {
      throw .usage("--disk \(path): is read-only (chmod u+w it, or name another)")
    }
    // A block device that is mounted, or part of a volume, cannot be opened exclusively.
    let descriptor = open(path, O_RDWR | O_CLOEXEC | (type == S_IFBLK ? O_EXCL : 0))
    guard descriptor >= 0 else {
      throw .usage(
        "--disk \(path): \(errno == EBUSY ? "is in use (unmount it first)" : "not writable: " + words(errno))")
    }
    defer { close(descriptor) }
    let size = lseek(descriptor, 0, SEEK_END)
    guard size >= 0, UInt64(size) >= needed else {
      throw .usage("--disk \(path): too small: \(max(size, 0)) bytes, need \(needed)")
    }
  }

  /// Refuses a disk that holds anything but zeroes or an image of pvbench's in its first `byteCount` bytes.
  static func checkContent(_ path: String, byteCount: UInt64) throws(CampaignError) {
    do {
      guard try holdsData(path, byteCount: byteCount) else { return }
    } catch {
      throw .usage("--disk \(path): \(error)")
    }
    throw .usage("refusing to overwrite \(path): it holds data (pass --overwrite-disk)")
  }

  private static func holdsData(_ path: String, byteCount: UInt64) throws(ImageError) -> Bool {
    let file = try ImageFile(path: path, isNew: false)
    let chunk = AlignedWords(byteCount: DiskImage.chunkBytes)
    let sectorWords = SectorPattern.sectorSize / 8
    var sector: UInt64 = 0
    for offset in stride(from: 0, to: byteCount, by: DiskImage.chunkBytes) {
      try file.read(into: chunk.words, at: offset)
      for start in stride(from: 0, to: chunk.words.count, by: sectorWords) {
        if holdsData(chunk.words[start..<(start + sectorWords)], sector: sector) { return true }
        sector += 1
      }
    }
    return false
  }

  /// False for zeroes, and for a sector of a pvbench image of any seed and generation: its number is in it, and every word
  /// follows from the one before.
  private static func holdsData(_ words: Slice<UnsafeMutableBufferPointer<UInt64>>, sector: UInt64) -> Bool {
    let first = words.startIndex
    if words.allSatisfy({ $0 == 0 }) { return false }
    guard words[first + 1] == sector else { return true }
    for index in (first + 2)..<(words.endIndex - 1) {
      let state = words[index]
      if words[index + 1] != (state ^ (state >> 29)) &+ 0x9E37_79B9_7F4A_7C15 { return true }
    }
    return false
  }

  private static func words(_ code: Int32) -> String { String(cString: strerror(code)).lowercased() }
}
