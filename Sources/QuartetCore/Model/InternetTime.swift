package import Foundation

/// A moment as RFC 3339 text has it (section 5.6), exact to the microsecond, which Foundation's own styles are not.
/// Foundation and PostgreSQL also refuse some of it, such as offsets of 16 hours or the year 0.
///
/// The calendar is Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms".
package struct InternetTime: Sendable, Hashable {
    /// Since 1970.
    package let microseconds: Int64

    package init(_ date: Date) {
        // A store may have times that no text of four digits for the year can say.
        let since1970 = min(max(date.timeIntervalSince1970, -62_135_596_800), 253_402_300_799)
        microseconds = Int64((since1970 * 1_000_000).rounded())
    }

    /// Nil if it is not such text. Digits after the microseconds are dropped.
    package init?(_ text: String) {
        var scanner = Scanner(rest: text[...].utf8)
        guard let year = scanner.number(4, 0...9999), scanner.take("-"), let month = scanner.number(2, 1...12),
            scanner.take("-"), let day = scanner.number(2, 1...Self.days(in: month, of: year)),
            scanner.take("T", "t", " "),
            let hour = scanner.number(2, 0...23), scanner.take(":"), let minute = scanner.number(2, 0...59),
            scanner.take(":"), let second = scanner.number(2, 0...60), let fraction = scanner.fraction(),
            let offset = scanner.offset(), scanner.rest.isEmpty
        else { return nil }
        let minutes = (Self.day(year, month, day) * 24 + hour) * 60 + minute - offset
        microseconds = (minutes * 60 + second) * 1_000_000 + fraction
    }

    package var date: Date { Date(timeIntervalSince1970: Double(microseconds) / 1_000_000) }

    /// `2024-02-29T12:34:56.789012Z`
    package var text: String {
        let parts = parts
        var bytes: [UInt8] = []
        bytes.reserveCapacity(27)
        append(parts, between: "T", to: &bytes)
        bytes.append(UInt8(ascii: "Z"))
        return String(decoding: bytes, as: UTF8.self)
    }

    /// As PostgreSQL writes it, which it reads whatever the year is.
    package var sql: String {
        var parts = parts
        let isBeforeYearOne = parts.year < 1
        if isBeforeYearOne { parts.year = 1 - parts.year }
        var bytes: [UInt8] = []
        append(parts, between: " ", to: &bytes)
        return String(decoding: bytes, as: UTF8.self) + (isBeforeYearOne ? "+00 BC" : "+00")
    }
}

extension InternetTime {
    private struct Parts {
        var year: Int64
        let (month, day): (Int64, Int64)
        let (second, fraction): (Int64, Int64)
    }

    private var parts: Parts {
        let (seconds, fraction) = Self.floorDivide(microseconds, 1_000_000)
        let (days, second) = Self.floorDivide(seconds, 86_400)
        let (era, dayOfEra) = Self.floorDivide(days + 719_468, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return Parts(
            year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month: month,
            day: dayOfYear - (153 * shifted + 2) / 5 + 1, second: second, fraction: fraction)
    }

    private func append(_ parts: Parts, between: Unicode.Scalar, to bytes: inout [UInt8]) {
        func append(_ number: Int64, width: Int, _ next: Unicode.Scalar?) {
            var unit: Int64 = 1
            for _ in 1..<width { unit *= 10 }
            while number >= unit * 10 { unit *= 10 }
            while unit > 0 {
                bytes.append(UInt8(ascii: "0") + UInt8(number / unit % 10))
                unit /= 10
            }
            if let next { bytes.append(UInt8(ascii: next)) }
        }
        append(parts.year, width: 4, "-")
        append(parts.month, width: 2, "-")
        append(parts.day, width: 2, between)
        append(parts.second / 3600, width: 2, ":")
        append(parts.second / 60 % 60, width: 2, ":")
        append(parts.second % 60, width: 2, ".")
        append(parts.fraction, width: 6, nil)
    }

    private static func floorDivide(_ number: Int64, _ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = number.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    /// Since 1970.
    private static func day(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let (era, yearOfEra) = floorDivide(month <= 2 ? year - 1 : year, 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400)) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private struct Scanner {
        var rest: Substring.UTF8View

        /// Exactly `width` digits.
        mutating func number(_ width: Int, _ range: ClosedRange<Int64>) -> Int64? {
            let digits = rest.prefix(width)
            guard digits.count == width, digits.allSatisfy(Self.isDigit) else { return nil }
            rest = rest.dropFirst(width)
            let number = digits.reduce(Int64(0)) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
            return range.contains(number) ? number : nil
        }

        mutating func take(_ wanted: Unicode.Scalar...) -> Bool {
            guard let byte = rest.first, wanted.contains(Unicode.Scalar(byte)) else { return false }
            rest = rest.dropFirst()
            return true
        }

        /// Microseconds; 0 without a fraction.
        mutating func fraction() -> Int64? {
            guard take(".") else { return 0 }
            let digits = rest.prefix(while: Self.isDigit)
            guard !digits.isEmpty else { return nil }
            rest = rest.dropFirst(digits.count)
            var unit: Int64 = 100_000
            var microseconds: Int64 = 0
            for byte in digits.prefix(6) {
                microseconds += Int64(byte - UInt8(ascii: "0")) * unit
                unit /= 10
            }
            return microseconds
        }

        /// Minutes east of UTC.
        mutating func offset() -> Int64? {
            if take("Z", "z") { return 0 }
            let isWest = rest.first == UInt8(ascii: "-")
            guard take("+", "-"), let hours = number(2, 0...23), take(":"), let minutes = number(2, 0...59)
            else { return nil }
            return (hours * 60 + minutes) * (isWest ? -1 : 1)
        }

        private static func isDigit(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
    }
}
