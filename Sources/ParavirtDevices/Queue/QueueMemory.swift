import GuestMemory

/// Guest memory as a queue sees it: the same checked copies, failing with the queue's own error.
struct QueueMemory: Sendable {
  private let memory: GuestMemory

  init(_ memory: GuestMemory) { self.memory = memory }

  /// The host memory behind a buffer, for system calls.
  func hostRange(at address: GuestAddress, count: Int) throws(VirtqueueError) -> HostRange {
    do throws(GuestMemoryError) { return try memory.hostRange(at: address, count: count) } catch {
      throw .memory(error)
    }
  }

  /// Copies one value out.
  func read<Value: BitwiseCopyable>(_ type: Value.Type, at address: GuestAddress) throws(VirtqueueError) -> Value {
    do throws(GuestMemoryError) { return try memory.read(type, at: address) } catch { throw .memory(error) }
  }

  /// Fills `bytes`.
  func read(at address: GuestAddress, into bytes: UnsafeMutableRawBufferPointer) throws(VirtqueueError) {
    do throws(GuestMemoryError) { try memory.read(at: address, into: bytes) } catch { throw .memory(error) }
  }

  /// Copies one value in.
  func write<Value: BitwiseCopyable>(_ value: Value, at address: GuestAddress) throws(VirtqueueError) {
    do throws(GuestMemoryError) { try memory.write(value, at: address) } catch { throw .memory(error) }
  }

  /// Gives whole pages back to the host.
  func discard(at address: GuestAddress, count: Int) throws(VirtqueueError) {
    do throws(GuestMemoryError) { try memory.discard(at: address, count: count) } catch { throw .memory(error) }
  }

  /// Loads an index before what it publishes.
  func loadIndex(at address: GuestAddress) throws(VirtqueueError) -> UInt16 {
    do throws(GuestMemoryError) { return try memory.loadAcquire16(at: address) } catch { throw .memory(error) }
  }

  /// Stores an index after what it publishes.
  func storeIndex(_ index: UInt16, at address: GuestAddress) throws(VirtqueueError) {
    do throws(GuestMemoryError) { try memory.storeRelease16(index, at: address) } catch { throw .memory(error) }
  }
}
