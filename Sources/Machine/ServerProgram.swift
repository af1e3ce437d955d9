import Backends
import DeviceModel
import Glibc
import PVWire

/// A program of the host that serves a guest through a `StackInterface`: a process for as long as `run()` works.
final class ServerProgram: DeviceWorker {
  private let path: String
  private let arguments: [String]
  private let interface: StackInterface
  private let stopRequest: EventFD

  /// Why a server is gone before its guest.
  private struct EndedError: Error, CustomStringConvertible {
    let description: String
  }
  /// Most of what a server says that is kept, in bytes.
  private static let longestWords = 4096

  /// The program at `path`, which knows itself when to listen at 10.86.0.1.
  init(_ path: String, arguments: [String], interface: StackInterface) throws(EventFD.CreationError) {
    self.path = path
    self.arguments = arguments
    self.interface = interface
    stopRequest = try EventFD()
  }

  /// A server of iperf3, as PATH finds it.
  static func iperf3(_ interface: StackInterface) throws(MachineError) -> ServerProgram {
    guard let path = find("iperf3") else {
      throw .unavailable("iperf3 is not in PATH (install the package iperf3)")
    }
    do { return try ServerProgram(path, arguments: ["--server", "--version4"], interface: interface) } catch {
      throw .wiring("no eventfd, errno \(error.errno)")
    }
  }

  private static func find(_ name: String) -> String? {
    guard let folders = getenv("PATH") else { return nil }
    return String(cString: folders).split(separator: ":").map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
  }

  /// Ends `run()`, and the server; from any thread.
  func stop() { stopRequest.signal() }

  /// Starts the server, listens to it and ends it. One that ends by itself is an error, with its last words.
  func run() throws {
    try interface.enter()
    var pipe = try Pipe()
    var child = try ChildProgram(
      path, arguments: arguments, keeping: [], errors: pipe.forWriting, withoutHugePages: false)
    pipe.handOver()
    var watch = DescriptorWait([pipe.readEnd, stopRequest.descriptor])
    var words: [UInt8] = []
    while true {
      watch.wait(nanoseconds: nil)
      if watch.isReady(1) { return }
      guard watch.isReady(0) else { continue }
      let more = pipe.read()
      guard !more.isEmpty else { break }
      words = (words + more).suffix(Self.longestWords)
    }
    let last = String(decoding: words, as: UTF8.self).split(separator: "\n").last.map { ": \($0)" } ?? ""
    let end =
      switch child.wait() {
      case .exited(let code): "with exit code \(code)"
      case .killed(let signal): "by signal \(signal)"
      }
    throw EndedError(description: "\(path) ended before its guest, \(end)\(last)")
  }
}
