import DeviceModel
import Glibc
import Testing

@Suite("eventfd")
struct EventFDTests {
  @Test func nothingWasSignalledAtFirst() throws {
    #expect(try EventFD().consume() == 0)
  }

  @Test func signalsAddUpUntilTheyAreConsumed() throws {
    let event = try EventFD()
    event.signal()
    event.pulse()
    event.signal()
    #expect(event.consume() == 3)
    #expect(event.consume() == 0)
  }

  @Test func aSignalWakesWhoeverPolls() throws {
    let event = try EventFD()
    #expect(isReadable(event) == 0)
    event.signal()
    #expect(isReadable(event) == 1)
    event.consume()
    #expect(isReadable(event) == 0)
  }

  @Test func theDescriptorIsNotInheritedByOtherPrograms() throws {
    let event = try EventFD()
    #expect(fcntl(event.descriptor, F_GETFD) & FD_CLOEXEC != 0)
  }

  private func isReadable(_ event: EventFD) -> Int32 {
    var request = pollfd(fd: event.descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&request, 1, 0)
  }
}
