/// A date and a time of day in the proleptic Gregorian calendar, without a time zone.
struct CalendarTime: Equatable {
  var year: Int
  /// 1 to 12.
  var month: Int
  /// 1 to 31.
  var day: Int
  /// 0 to 23.
  var hour: Int
  var minute: Int
  var second: Int

  static let secondsPerDay: Int64 = 86_400

  /// The time `seconds` after the start of 1970.
  init(seconds: Int64) {
    let days = Self.floorDivide(seconds, Self.secondsPerDay)
    let rest = Int(seconds - days * Self.secondsPerDay)
    (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60)
    // Years of 365.2425 days that begin in March, so that a leap day is a year's last: 400 of them are 146,097 days.
    let shifted = days + 719_468
    let era = Self.floorDivide(shifted, 146_097)
    let dayOfEra = Int(shifted - era * 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
    month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    year = Int(era) * 400 + yearOfEra + (month <= 2 ? 1 : 0)
  }

  /// A time from its parts, each put into its range; a day that its month does not have becomes the month's last.
  init(year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int) {
    self.year = year
    self.month = min(max(month, 1), 12)
    self.day = min(max(day, 1), Self.days(in: self.month, of: year))
    self.hour = min(max(hour, 0), 23)
    self.minute = min(max(minute, 0), 59)
    self.second = min(max(second, 0), 59)
  }

  /// Seconds since the start of 1970.
  var seconds: Int64 { days * Self.secondsPerDay + Int64(hour * 3600 + minute * 60 + second) }

  /// 1 for Sunday to 7, as clock chips count.
  var weekday: Int { Int((days + 4) - Self.floorDivide(days + 4, 7) * 7) + 1 }

  private var days: Int64 {
    let shiftedYear = Int64(month <= 2 ? year - 1 : year)
    let era = Self.floorDivide(shiftedYear, 400)
    let yearOfEra = shiftedYear - era * 400
    let marchMonth = Int64(month > 2 ? month - 3 : month + 9)
    let dayOfYear = (153 * marchMonth + 2) / 5 + Int64(day) - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  private static func days(in month: Int, of year: Int) -> Int {
    switch month {
    case 4, 6, 9, 11: 30
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    default: 31
    }
  }

  private static func floorDivide(_ a: Int64, _ b: Int64) -> Int64 { a >= 0 ? a / b : -((b - 1 - a) / b) }
}
