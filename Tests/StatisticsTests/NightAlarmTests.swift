import Statistics
import Testing

struct NightAlarmTests {
  /// Changes by 1 % up and down, nine of them.
  private let calm: [Double] = (0..<10).map { $0 % 2 == 0 ? 100 : 101 }

  @Test func aNightFarOutsideIsSuspect() throws {
    #expect(try #require(NightAlarm.lastNight(of: calm + [120])).isSuspect)
    #expect(try #require(NightAlarm.lastNight(of: calm + [85])).isSuspect)
    #expect(try #require(NightAlarm.lastNight(of: calm + [100.5])).isSuspect == false)
  }

  @Test func onlyTheLatestChangesCount() throws {
    let wild: [Double] = [1, 50, 2, 90, 3, 70, 1, 100]
    let all = try #require(NightAlarm.lastNight(of: wild + calm + [120]))
    let latest = try #require(NightAlarm.lastNight(of: wild + calm + [120], history: 9))
    #expect(latest.fence < all.fence)
    #expect(latest == NightAlarm.lastNight(of: calm + [120]))
  }

  @Test func fewNightsOrZerosRaiseNoAlarm() {
    #expect(NightAlarm.lastNight(of: []) == nil)
    #expect(NightAlarm.lastNight(of: Array(calm.prefix(9))) == nil)
    #expect(NightAlarm.lastNight(of: calm) != nil)
    #expect(NightAlarm.lastNight(of: calm.dropLast() + [0, 101]) == nil)
  }
}
