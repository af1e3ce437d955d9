import GuestMemory
import Testing

@Suite("pages on NUMA nodes")
struct ResidenceTests {
  private static let page = GuestMemory.pageByteCount

  @Test func untouchedPagesAreNowhere() throws {
    #expect(try #require(GuestMemory(byteCount: 16 * Self.page).residence()).total == 0)
  }

  @Test func touchedPagesAreCountedOnTheNodeThatTheyAreBoundTo() throws {
    let memory = try GuestMemory(byteCount: 5000 * Self.page)
    try memory.bind(to: [0])
    for index in [0, 7, 4095, 4096, 4999] { try memory.write(UInt8(1), at: GuestAddress(UInt64(index * Self.page))) }
    let residence = try #require(memory.residence())
    #expect(residence.pages == [0: 5])
    #expect(residence.misplaced(outside: [0]) == 0)
    #expect(residence.misplaced(outside: [1]) == 5)
  }

  @Test func aNodeThatIsNotThereIsRefused() throws {
    let memory = try GuestMemory(byteCount: Self.page)
    #expect(throws: GuestMemoryError.cannotBind(nodes: [1023], errno: 22)) { try memory.bind(to: [1023]) }
    #expect(throws: GuestMemoryError.cannotBind(nodes: [4000], errno: 22)) { try memory.bind(to: [4000]) }
    let error = GuestMemoryError.cannotBind(nodes: [1, 2], errno: 1)
    #expect("\(error)" == "cannot bind guest RAM to NUMA nodes 1, 2: Operation not permitted")
  }
}
