import Testing

@testable import ParavirtDevices

/// When a thread that is awake asks for the doorbell, by answers that are made up.
struct DoorbellHabitTests {
  /// A habit after so many single requests, each answered by an interrupt.
  private func habit(afterInterrupts count: Int) -> DoorbellHabit {
    var habit = DoorbellHabit()
    for _ in 0..<count { habit.answered(1, interrupted: true) }
    return habit
  }

  @Test func aDriverThatSleepsOverItsRequestsIsAskedToRing() {
    #expect(!habit(afterInterrupts: DoorbellHabit.watched - 1).wantsDoorbell)
    #expect(habit(afterInterrupts: DoorbellHabit.watched).wantsDoorbell)
  }

  @Test func aDriverThatPollsIsNot() {
    var habit = DoorbellHabit()
    for _ in 0..<1000 { habit.answered(1, interrupted: false) }
    #expect(!habit.wantsDoorbell)
  }

  @Test func oneInterruptForManyRequestsIsNoSleepOverEach() {
    var habit = DoorbellHabit()
    for _ in 0..<1000 { habit.answered(32, interrupted: true) }
    #expect(!habit.wantsDoorbell)
  }

  @Test func ringingThatDoesNotHelpIsGivenUpForAWhile() {
    var habit = habit(afterInterrupts: DoorbellHabit.watched + DoorbellHabit.tried)
    #expect(!habit.wantsDoorbell)
    habit.answered(DoorbellHabit.rest - 1, interrupted: true)
    #expect(!habit.wantsDoorbell)
    habit.answered(1, interrupted: false)
    for _ in 0..<DoorbellHabit.watched { habit.answered(1, interrupted: true) }
    #expect(habit.wantsDoorbell)
  }

  @Test func ringingThatSparesAFewSleepsHelps() {
    var habit = habit(afterInterrupts: DoorbellHabit.watched)
    for request in 0..<DoorbellHabit.tried { habit.answered(1, interrupted: request % 4 != 0) }
    #expect(habit.wantsDoorbell)
  }

  @Test func ringingThatHelpsIsKeptAndTriedAgainNowAndThen() {
    var habit = habit(afterInterrupts: DoorbellHabit.watched)
    for _ in 1..<(DoorbellHabit.tried * DoorbellHabit.trials) { habit.answered(1, interrupted: false) }
    #expect(habit.wantsDoorbell)
    habit.answered(1, interrupted: false)
    #expect(!habit.wantsDoorbell)
  }
}
