import Foundation
import Synchronization

/// SIGINT and SIGTERM as cancellation, so that an interrupted run ends as tidily as a finished one.
public enum Interruption {
  private final class Received: Sendable {
    let signal = Atomic<Int32>(0)
  }

  /// Runs `body` in a task that SIGINT and SIGTERM cancel.
  ///
  /// - Returns: its result, and the signal that came; nil where none did.
  public static func guarding<Result: Sendable>(
    _ body: @escaping @Sendable () async -> Result
  ) async -> (result: Result, signal: Int32?) {
    let received = Received()
    let task = Task { await body() }
    let sources = [SIGINT, SIGTERM].map { number in
      // The default action would end the process before the source sees the signal. Children do not inherit this:
      // Subprocess restores the default actions in them.
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        received.signal.store(number, ordering: .relaxed)
        task.cancel()
      }
      source.resume()
      return source
    }
    let result = await task.value
    sources.forEach { $0.cancel() }
    let number = received.signal.load(ordering: .relaxed)
    return (result, number == 0 ? nil : number)
  }
}
