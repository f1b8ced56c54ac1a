import ArgumentParser
import Foundation

/// A moment as people name it on a command line.
enum PastTime {
    /// A time in ISO 8601, or how long ago: `12h`.
    static func parse(_ text: String, option: String) throws -> Date {
        if let date = try? Date(text, strategy: .iso8601) { return date }
        let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let unit = text.last.flatMap({ units[$0] }), let count = Double(text.dropLast()), count >= 0 else {
            throw ValidationError("\(option) \(text) is no time like 2026-01-31T03:00:00Z and no duration like 12h")
        }
        // To the second, so that a repeated call asks for the same.
        return Date(timeIntervalSince1970: (Date().timeIntervalSince1970 - count * unit).rounded(.down))
    }
}
