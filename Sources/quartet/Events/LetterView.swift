import Foundation
import QuartetCore

/// Dead letters for people and for programs.
enum LetterView {
    static let header = "PUT ASIDE             EVENT                             BYTES  TYPE                 REASON"

    static func line(_ letter: DeadLetter) -> String {
        let cells = [
            (time(letter.place.writtenAt), 22), (letter.place.name, 34), ("\(letter.value.count)", 7),
            (ResultView.oneLine(letter.header("ce_type") ?? "-"), 21),
        ]
        let row = cells.map { $0.0.padding(toLength: max($0.1, $0.0.count + 2), withPad: " ", startingAt: 0) }
        return visible(Array((row.joined() + ResultView.oneLine(letter.reason)).utf8))
    }

    static func text(_ letter: DeadLetter) -> String {
        var lines = [
            "event       \(letter.place.name)", "put aside   \(time(letter.place.writtenAt))",
            "reason      \(visible(Array(letter.reason.utf8)))",
            "key         \(visible(letter.key))",
        ]
        lines += letter.headers.map { "header      \($0.name): \(visible($0.value))" }
        return (lines + ["data        \(visible(letter.value))"]).joined(separator: "\n")
    }

    static func json(_ letter: DeadLetter) throws -> String {
        let document = Document(
            event: letter.place.name, putAsideAt: time(letter.place.writtenAt), reason: letter.reason,
            bytes: letter.value.count, key: String(decoding: letter.key, as: UTF8.self),
            headers: letter.headers.map { [$0.name, String(decoding: $0.value, as: UTF8.self)] },
            dataBase64: Data(letter.value).base64EncodedString())
        return try JSONLine.text(document)
    }

    private struct Document: Encodable {
        let event: String
        let putAsideAt: String
        let reason: String
        let bytes: Int
        let key: String
        let headers: [[String]]
        let dataBase64: String
    }

    /// Bytes of others without what a terminal would act on.
    private static func visible(_ bytes: [UInt8]) -> String {
        let text = String(decoding: bytes, as: UTF8.self).unicodeScalars
        return String(
            String.UnicodeScalarView(text.map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 }))
    }

    private static func time(_ date: Date) -> String { date.formatted(.iso8601) }
}
