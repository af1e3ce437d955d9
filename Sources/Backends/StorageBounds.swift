extension BlockStorage {
  /// Throws unless `[offset, offset + count)` lies inside the medium; immune to overflow.
  public func checkBounds(offset: UInt64, count: UInt64) throws(StorageError) {
    guard offset <= byteCount, count <= byteCount - offset else {
      throw .outOfRange(offset: offset, count: Int(clamping: count))
    }
  }

  /// Throws where writes are refused.
  func checkWritable() throws(StorageError) {
    guard !isReadOnly else { throw .readOnly }
  }
}
