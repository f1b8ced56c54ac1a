package import Foundation

/// A moment as callers write it, to the microsecond.
///
/// Source: RFC 3339, section 5.6. Foundation and PostgreSQL refuse some of it, such as offsets of 16 hours or the year 0.
package struct InternetTime: Sendable, Hashable {
    /// Since 1970.
    let microseconds: Int64

    package init?(_ text: String) {
        var rest = text.utf8[...]
        func number(_ digits: Int, _ range: ClosedRange<Int64>) -> Int64? {
            let part = rest.prefix(digits)
            guard part.count == digits, part.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            rest = rest.dropFirst(digits)
            let value = part.reduce(Int64(0)) { $0 * 10 + Int64($1 - 0x30) }
            return range.contains(value) ? value : nil
        }
        func take(_ signs: String) -> UInt8? {
            guard let sign = rest.first, signs.utf8.contains(sign) else { return nil }
            rest = rest.dropFirst()
            return sign
        }
        guard let year = number(4, 0...9999), take("-") != nil, let month = number(2, 1...12), take("-") != nil,
            let day = number(2, 1...Self.days(in: month, of: year)), take("Tt") != nil, let hour = number(2, 0...23),
            take(":") != nil, let minute = number(2, 0...59), take(":") != nil, let second = number(2, 0...60)
        else { return nil }
        var fraction: Int64 = 0
        if take(".") != nil {
            let digits = rest.prefix { (0x30...0x39).contains($0) }
            guard !digits.isEmpty else { return nil }
            for place in 0..<6 {
                fraction = fraction * 10 + Int64(digits.dropFirst(place).first.map { $0 - 0x30 } ?? 0)
            }
            rest = rest.dropFirst(digits.count)
        }
        var offset: Int64 = 0
        if take("Zz") == nil {
            guard let sign = take("+-"), let hours = number(2, 0...23), take(":") != nil,
                let minutes = number(2, 0...59)
            else { return nil }
            offset = (hours * 60 + minutes) * (sign == UInt8(ascii: "-") ? -1 : 1)
        }
        guard rest.isEmpty else { return nil }
        let minutes = (Self.day(year, month, day) * 24 + hour) * 60 + minute - offset
        microseconds = (minutes * 60 + second) * 1_000_000 + fraction
    }

    package var date: Date { Date(timeIntervalSince1970: Double(microseconds) / 1_000_000) }

    /// As PostgreSQL writes it, which it reads whatever the year is.
    var sql: String {
        func padded(_ number: Int64, _ digits: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
        }
        let day = Int64((Double(microseconds) / 86_400_000_000).rounded(.down))
        let (ofDay, fraction) = (microseconds / 1_000_000 - day * 86_400, microseconds % 1_000_000)
        // What is before 1970 counts from below.
        let (second, rest) = fraction < 0 ? (ofDay - 1, fraction + 1_000_000) : (ofDay, fraction)
        let (year, month, monthDay) = Self.date(ofDay: day)
        let time = [second / 3600, second / 60 % 60, second % 60].map { padded($0, 2) }.joined(separator: ":")
        return
            "\(padded(year > 0 ? year : 1 - year, 4))-\(padded(month, 2))-\(padded(monthDay, 2)) \(time).\(padded(rest, 6))+00"
            + (year > 0 ? "" : " BC")
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Since 1970, in the Gregorian calendar: years that begin in March, four hundred of which are 146,097 days.
    private static func day(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let ofEra = year - era * 400
        let ofYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + ofYear - 719_468
    }

    private static func date(ofDay day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let ofEra = shifted - era * 146_097
        let year = (ofEra - ofEra / 1_460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * year + year / 4 - year / 100)
        let place = (5 * ofYear + 2) / 153
        let month = place < 10 ? place + 3 : place - 9
        return (year + era * 400 + (month <= 2 ? 1 : 0), month, ofYear - (153 * place + 2) / 5 + 1)
    }
}
