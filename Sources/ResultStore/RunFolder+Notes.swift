import Foundation

extension RunFolder {
  private static let notesName = "notes.txt"

  /// What people wrote about the run, a line each, oldest first.
  public func notes() -> [String] {
    guard let bytes = try? AtomicFile.read(file(Self.notesName)) else { return [] }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// Adds a remark: it is the run's own, so that a history made anew has it too.
  public func add(note: String) throws(StoreError) {
    let line = note.split(whereSeparator: \.isNewline).joined(separator: " ")
    try write(Array((notes() + [line]).map { $0 + "\n" }.joined().utf8), to: Self.notesName)
  }
}
