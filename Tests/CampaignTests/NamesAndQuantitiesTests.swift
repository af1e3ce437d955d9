import Testing

@testable import Campaign

struct NamesAndQuantitiesTests {
  @Test(arguments: [("kitten", "sitting", 3), ("", "abc", 3), ("abc", "abc", 0), ("disk", "dsik", 2)])
  func distanceCountsSingleEdits(_ first: String, _ second: String, _ distance: Int) {
    #expect(NearestName.distance(first, second) == distance)
    #expect(NearestName.distance(second, first) == distance)
  }

  @Test func nearestNameIsTheOneWithFewestEdits() {
    #expect(NearestName.nearest(to: "paravrt", in: ["full", "paravirt"]) == "paravirt")
    #expect(NearestName.hint(for: "x", in: []) == "")
  }

  @Test(arguments: [("512B", 512), ("4KiB", 4096), ("64MiB", 64 << 20), ("1GiB", 1 << 30)] as [(String, UInt64)])
  func sizesHaveUnits(_ text: String, _ bytes: UInt64) {
    #expect(Quantity.bytes(text) == bytes)
  }

  @Test(arguments: [
    "", "4", "4 kilo", "4k", "-1KiB", "1.5KiB", "KiB", "99999999999999999999B", "18446744073709551615GiB",
  ])
  func sizesWithoutOrWithWrongUnitsAreRejected(_ text: String) {
    #expect(Quantity.bytes(text) == nil)
  }

  @Test(
    arguments: [("500ms", 500_000_000), ("2s", 2_000_000_000), ("0.5s", 500_000_000), ("10us", 10_000), ("7ns", 7)]
      as [(String, UInt64)])
  func durationsHaveUnits(_ text: String, _ nanoseconds: UInt64) {
    #expect(Quantity.nanoseconds(text) == nanoseconds)
  }

  @Test(arguments: ["", "2", "2 s", "s", "-1s", "1e9s", "1.2.3s", "2m", "99999999999999999999s"])
  func durationsWithoutOrWithWrongUnitsAreRejected(_ text: String) {
    #expect(Quantity.nanoseconds(text) == nil)
  }

  @Test func sizesReadWell() {
    #expect(Quantity.text(bytes: 64 << 20) == "64 MiB")
    #expect(Quantity.text(bytes: 4096) == "4 KiB")
    #expect(Quantity.text(bytes: 513) == "513 B")
    #expect(Quantity.text(bytes: 0) == "0 B")
  }

  @Test func durationsReadWell() {
    #expect(TextTable.duration(0.3) == "0.3 s")
    #expect(TextTable.duration(75) == "1 min 15 s")
    #expect(TextTable.duration(7800) == "2 h 10 min")
    #expect(TextTable.duration(.infinity) == "0 s")
  }

  @Test func tablesAlignTheirColumns() {
    var table = TextTable(columns: ["A", "N"], rightAligned: [1])
    table.add(["long", "1"])
    table.add(["x", "100"])
    #expect(table.text == "A       N\nlong    1\nx     100\n")
  }
}
