import Foundation
import HTTPTypes
import QuartetCore
import QuartetHTTP

/// What a caller says that a field is, found to be possible.
enum FieldValue: Sendable, Hashable {
    case null
    case text(String)
    case time(InternetTime)
    case integer(Int64)
    case flag(Bool)
    case json([UInt8])

    func write(to json: inout JSONWriter) {
        switch self {
        case .null: json.null()
        case .text(let text): json.value(text)
        case .time(let time): json.value(time.sql)
        case .integer(let number): json.value(number)
        case .flag(let flag): json.value(flag)
        case .json(let bytes): json.raw(bytes)
        }
    }

    /// As COPY's text format has it.
    func write(toCopy bytes: inout [UInt8]) {
        switch self {
        case .null: bytes.append(contentsOf: "\\N".utf8)
        case .text(let text): Self.escape(text.utf8, into: &bytes)
        case .time(let time): Self.escape(time.sql.utf8, into: &bytes)
        case .integer(let number): bytes.append(contentsOf: String(number).utf8)
        case .flag(let flag): bytes.append(UInt8(ascii: flag ? "t" : "f"))
        case .json(let json): Self.escape(json, into: &bytes)
        }
    }

    private static func escape(_ text: some Sequence<UInt8>, into bytes: inout [UInt8]) {
        for byte in text {
            switch byte {
            case UInt8(ascii: "\\"): bytes.append(contentsOf: "\\\\".utf8)
            case UInt8(ascii: "\n"): bytes.append(contentsOf: "\\n".utf8)
            case UInt8(ascii: "\r"): bytes.append(contentsOf: "\\r".utf8)
            case UInt8(ascii: "\t"): bytes.append(contentsOf: "\\t".utf8)
            default: bytes.append(byte)
            }
        }
    }
}

extension Column {
    /// The value, if the column can have it.
    ///
    /// - Throws: a 422 problem that says what it can be.
    func checked(_ value: JSONFields.Value, at place: JSONPlace) throws(Problem) -> FieldValue {
        if case .null = value {
            guard !traits.contains(.required) else { throw refusal("is required", at: place) }
            return .null
        }
        switch (kind, value) {
        case (.text(let bytesMax), .text(let text)):
            guard (1...bytesMax).contains(text.utf8.count), !text.utf8.contains(0) else {
                throw refusal("is 1 to \(bytesMax) bytes without U+0000", at: place)
            }
            return .text(text)
        case (.url, .text(let text)):
            guard text.utf8.count <= Self.urlBytesMax, text.wholeMatch(of: /https?:\/\/[^\/?#\s]+[^?#\s]*/) != nil,
                !text.utf8.contains(0)
            else { throw refusal("is an http:// or https:// URL without a query", at: place) }
            return .text(text)
        case (.id, .text(let text)):
            guard ShopID.isValid(text) else { throw refusal("is \(ShopID.rule)", at: place) }
            return .text(text)
        case (.uuid, .text(let text)):
            guard let uuid = UUID(uuidString: text) else { throw refusal("is a UUID", at: place) }
            return .text(uuid.uuidString.lowercased())
        case (.integer(let range), .number(let number)):
            guard let integer = Self.integer(number), range.contains(integer) else {
                throw refusal("is an integer of \(range.lowerBound) to \(range.upperBound)", at: place)
            }
            return .integer(integer)
        case (.money, .number(let number)):
            guard let integer = Self.integer(number), integer >= 0 else {
                throw refusal("is an integer of the currency's smallest unit, from 0", at: place)
            }
            return .integer(integer)
        case (.currency, .text(let text)):
            guard text.utf8.count == 3, text.utf8.allSatisfy({ (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) })
            else { throw refusal("is three letters like KRW", at: place) }
            return .text(text)
        case (.time, .text(let text)):
            guard let time = InternetTime(text) else {
                throw refusal("is a time like 2025-01-31T09:30:00Z", at: place)
            }
            return .time(time)
        case (.date, .text(let text)):
            guard CalendarDate.isValid(text) else { throw refusal("is a date as 2026-11-30", at: place) }
            return .text(text)
        case (.flag, .flag(let flag)): return .flag(flag)
        case (.json(let bytesMax), _):
            let bytes = value.json
            guard bytes.count <= bytesMax else { throw refusal("is \(bytesMax) bytes at most", at: place) }
            return .json(bytes)
        default: throw refusal("is \(expectation)", at: place)
        }
    }

    /// The value that a cell of text stands for: CSV has no types. Nothing is NULL.
    func read(cell: String) -> JSONFields.Value {
        if cell.isEmpty { return .null }
        switch kind {
        case .integer, .money: return .number(cell)
        case .flag:
            switch cell.lowercased() {
            case "true", "t", "1", "yes": return .flag(true)
            case "false", "f", "0", "no": return .flag(false)
            default: return .text(cell)
            }
        case .json: return .nested(Array(cell.utf8))
        case .text, .url, .id, .uuid, .currency, .time, .date: return .text(cell)
        }
    }

    static let urlBytesMax = 1_024

    private var expectation: String {
        switch kind {
        case .text, .url, .id, .uuid, .currency, .time, .date: "a string"
        case .integer, .money: "an integer"
        case .flag: "true or false"
        case .json: "JSON"
        }
    }

    private func refusal(_ rule: String, at place: JSONPlace) -> Problem {
        Problem(.unprocessableContent, "bad-value", "\(place.field(name)) \(rule)")
    }

    /// Also of one that is written with a fraction of nothing, which JSON does not tell from it; up to where doubles know all
    /// integers.
    private static func integer(_ number: String) -> Int64? {
        if let integer = Int64(number) { return integer }
        guard number.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }), let double = Double(number),
            double.magnitude < 9_007_199_254_740_992
        else { return nil }
        return Int64(exactly: double)
    }
}
