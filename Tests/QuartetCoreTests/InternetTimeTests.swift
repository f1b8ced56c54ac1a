import Foundation
import QuartetCore
import Testing

@Suite struct InternetTimeTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000000Z"), (-1, "1969-12-31T23:59:59.999999Z"),
        (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"), (4_107_542_399_999_999, "2100-02-28T23:59:59.999999Z"),
        (1_704_067_199_000_001, "2023-12-31T23:59:59.000001Z"),
        (-62_135_596_800_000_000, "0001-01-01T00:00:00.000000Z"),
    ])
    func textsAreExact(_ microseconds: Int, _ text: String) {
        let date = Date(timeIntervalSince1970: Double(microseconds) / 1_000_000)
        #expect(InternetTime(date).text == text)
        #expect(InternetTime(text)?.date == date)
    }

    /// Every day of a few centuries, against Foundation's calendar.
    @Test func daysAgreeWithTheCalendar() throws {
        let style = Date.ISO8601FormatStyle()
        for day in stride(from: -80_000, through: 80_000, by: 1) {
            let date = Date(timeIntervalSince1970: Double(day) * 86_400 + 3661)
            let text = InternetTime(date).text
            if day.isMultiple(of: 97) { #expect(text.prefix(19) + "Z" == date.formatted(style)) }
            #expect(InternetTime(text)?.date == date)
        }
    }

    @Test func offsetsAndFractionsAreRead() {
        let date = Date(timeIntervalSince1970: 1_700_000_000)
        #expect(InternetTime("2023-11-14T22:13:20Z")?.date == date)
        #expect(InternetTime("2023-11-15T07:13:20+09:00")?.date == date)
        #expect(InternetTime("2023-11-14t17:43:20-04:30")?.date == date)
        #expect(InternetTime("2023-11-14 22:13:20.5z")?.date == date.addingTimeInterval(0.5))
        #expect(
            InternetTime("2023-11-14T22:13:20.123456789Z")?.date == Date(timeIntervalSince1970: 1_700_000_000.123456))
    }

    @Test(arguments: [
        "", "2023", "2023-11-14", "2023-11-14T22:13:20", "2023-13-14T22:13:20Z", "2023-02-29T22:13:20Z",
        "2023-11-14T24:13:20Z", "2023-11-14T22:60:20Z", "2023-11-14T22:13:61Z", "2023-11-14T22:13:20.Z",
        "2023-11-14T22:13:20Zx", "2023-11-14T22:13:20+0900", "+023-11-14T22:13:20Z", "２023-11-14T22:13:20Z",
    ])
    func otherTextsAreRefused(_ text: String) {
        #expect(InternetTime(text) == nil)
    }
}
