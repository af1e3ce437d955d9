import CLinuxKVM
import Glibc

/// Network namespaces (network_namespaces(7)). One lives for as long as a thread is in it or a descriptor belongs to it: no
/// interface in it is ever seen by the host, and the last close ends all of them, whoever closes.
enum NetworkNamespace {
  private final class Body {
    let run: () -> Void
    init(_ run: @escaping () -> Void) { self.run = run }
  }

  /// Runs `body` in a new namespace, on a thread that is gone afterwards: what it opens belongs to the namespace, and the
  /// caller stays where it is.
  static func new<Value>(_ body: () throws(NetworkPortError) -> Value) throws(NetworkPortError) -> Value {
    var result: Result<Value, NetworkPortError>?
    let code = withoutActuallyEscaping(body) { body in
      run {
        let code = pv_unshare_network()
        guard code == 0 else { return result = .failure(.noNamespace(errno: -code)) }
        do throws(NetworkPortError) { result = .success(try body()) } catch { result = .failure(error) }
      }
    }
    guard let result else { throw .system(operation: "pthread_create", errno: code) }
    return try result.get()
  }

  /// Runs `body` on a thread of its own and waits for its end; an error number.
  private static func run(_ body: () -> Void) -> Int32 {
    withoutActuallyEscaping(body) { body in
      var thread = pthread_t()
      let start = Unmanaged.passRetained(Body(body))
      let code = pthread_create(
        &thread, nil,
        { argument in
          guard let argument else { return nil }
          // SAFETY: the retained Body of this very thread, released here; its caller waits for it.
          Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
          return nil
        }, start.toOpaque())
      guard code == 0 else {
        start.release()
        return code
      }
      return pthread_join(thread, nil)
    }
  }
}
