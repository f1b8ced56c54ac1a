import Foundation

/// A day as 2026-11-30.
package enum CalendarDate {
    /// Of the years 1 to 9999, which are what PostgreSQL's dates and those of callers have in common.
    package static func isValid(_ text: String) -> Bool {
        guard let match = text.wholeMatch(of: /([0-9]{4})-([0-9]{2})-([0-9]{2})/), let year = Int(match.1),
            let month = Int(match.2), let day = Int(match.3), year > 0
        else { return false }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        return DateComponents(calendar: calendar, year: year, month: month, day: day).isValidDate
    }
}
