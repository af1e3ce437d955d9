import Foundation

/// Time lines of repetitions, `timelines/NNNNN.json`: a runner writes them, and one that is not whole has no such name.
extension RunFolder {
  /// Where the runner of repetition `order` writes its time line.
  public func newTimeline(order: Int) throws(StoreError) -> String {
    let folder = file("timelines")
    guard mkdir(folder, 0o777) == 0 || errno == EEXIST else {
      throw .cannotWrite(path: folder, code: errno, run: path)
    }
    return "\(folder)/\(AtomicFile.temporaryPrefix)\(try RepetitionFile.stem(order: order))"
  }

  /// The runner has ended: gives its time line its name, where it has left one.
  public func keepTimeline(order: Int) throws(StoreError) {
    let written = try newTimeline(order: order)
    let kept = file("timelines/\(try RepetitionFile.stem(order: order)).json")
    guard rename(written, kept) == 0 || errno == ENOENT else {
      throw .cannotWrite(path: kept, code: errno, run: path)
    }
  }
}
