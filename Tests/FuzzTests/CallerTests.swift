import Foundation
import HTTPTypes
import NIOCore
import QuartetCore
import QuartetHTTP
import QuartetService
import QuartetTesting
import Testing
import Zlib

@testable import Market
@testable import QuartetAPI
@testable import ServiceSupport

/// What callers send: reviews, rows to import, packed bodies.
@Suite("Fuzzing what callers send", .ownThread)
struct CallerTests {
    private static let lines = [
        #"{"id": "r-1", "text": "정말 좋아요 \"x\" \\", "rating": 9, "date": "2025-06-01"}"# + "\n"
            + #"{"id": "r-2", "text": "It broke.", "rating": 4.5}"# + "\r\n\n" + #"{"id":3,"text":"\u00e9"}"#,
        #"{"id":"a","text":"b","date":"2025-06-01T10:00:00+09:00"}"#, #"{"id":"a","text":"b"}"# + "\n{}\n[]\nnull",
    ]
    private static let arrays = [
        #"[{"id": "r-1", "text": "좋아요", "rating": 9}, {"id": "r-2", "text": "b", "date": "2025-06-01"}]"#, "[]",
        #"[{"id": 1, "text": "a"}]"#,
    ]
    private static let words = [
        #""id""#, #""text""#, #""rating":"#, #""date":"2025-02-30""#, #"{"id":"a","text":"b"}"#,
    ]

    @Test("reviews are taken, or refused by a problem", arguments: [true, false])
    func reviews(isLines: Bool) throws {
        let limits = ReviewLimits()
        let corpus = (isLines ? Self.lines : Self.arrays).map { Array($0.utf8) }
        try Fuzz.run("reviews-\(isLines)", corpus: corpus, words: Self.words) { bytes in
            let buffer = ByteBuffer(bytes: bytes)
            let strict = try Self.body(buffer, isLines: isLines, isLenient: false, limits)
            let lenient = try Self.body(buffer, isLines: isLines, isLenient: true, limits)
            for body in [strict, lenient].compactMap(\.self) {
                let ids = body.reviews.map(\.id)
                try Fuzz.expect(Set(ids).count == ids.count, "an id comes twice")
                try Fuzz.expect(body.reviews.count <= body.received, "more reviews than there were")
                try Fuzz.expect(!ids.contains { $0.isEmpty }, "a review without an id")
            }
            guard let strict else { return }
            try Fuzz.expect(lenient?.received == strict.received, "leaving faults out changes what has none")
        }
    }

    private static func body(
        _ buffer: ByteBuffer, isLines: Bool, isLenient: Bool, _ limits: ReviewLimits
    ) throws -> ReviewsBody? {
        do {
            return try ReviewsBody(buffer, isLines: isLines, isLenient: isLenient, limits: limits)
        } catch is Problem {
            return nil
        }
    }

    @Test("rows of CSV are read, or the file is refused")
    func csv() throws {
        let corpus = [
            "id,name,price\r\n1,\"a, \"\"b\"\"\",3\r\n2,c,\n", "\u{FEFF}id\n상품-1\n\n", "a,b\n\"x\ny\",\"\"\n",
        ]
        try Fuzz.run("csv", corpus: corpus.map { Array($0.utf8) }, words: ["\"\"", "\",\"", "\"\n"]) { bytes in
            var reader = CSVReader(bytes)
            var line = 0
            do {
                while let cells = try reader.next() {
                    try Fuzz.expect(!cells.isEmpty && reader.line > line, "a row without a cell or a line")
                    line = reader.line
                }
            } catch is CSVReader.Malformed {}
        }
    }

    @Test("an object of fields is read, or refused, as Foundation would")
    func fields() throws {
        let corpus = [
            #"{"id": "1", "n": -12.5e3, "flag": true, "nothing": null, "in": {"a": [1, "]"]}, "t": "\u00e9\n"}"#, "{}",
            #"{"a":"\ud83d\ude00","b":[]}"#,
        ]
        try Fuzz.run("fields", corpus: corpus.map { Array($0.utf8) }, words: [#""a":"#, "[[", "}}"]) { bytes in
            do {
                let fields = try JSONFields(bytes).fields
                for case (let name, .number(let text)) in fields {
                    let isJSON = (try? JSONSerialization.jsonObject(with: Data("[\(text)]".utf8))) != nil
                    try Fuzz.expect(isJSON || Double(text)?.isInfinite ?? false, "\(name): \(text) is no number")
                }
                // What it takes can be written again and read again.
                var writer = JSONWriter()
                writer.object { json in
                    for (name, value) in fields {
                        json.key(name)
                        json.raw(value.json)
                    }
                }
                let again = try JSONFields(writer.bytes).fields
                try Fuzz.expect(again.map(\.value) == fields.map(\.value), "another value the second time")
                try Fuzz.expect(again.map(\.name) == fields.map(\.name), "another name the second time")
            } catch is JSONFields.Malformed {}
        }
        for text in [#"{"n":-12.}"#, #"{"n":1.e5}"#, #"{"n":01}"#, #"{"n":1e}"#, #"{"t":"\u+12f"}"#] {
            #expect(throws: JSONFields.Malformed.self, "\(text)") { try JSONFields(Array(text.utf8)) }
        }
    }

    @Test("a packed body unpacks within its bound, or is refused")
    func inflation() throws {
        let text = [UInt8](repeating: UInt8(ascii: "a"), count: 3000) + Array("정말 좋아요".utf8)
        let packed = Array(try #require(Gzip.packed(ByteBuffer(bytes: text))).readableBytesView)
        let corpus = [packed, packed + packed]
        try Fuzz.run("inflation", corpus: corpus) { bytes in
            do {
                let inflation = try Inflation()
                var output = ByteBuffer()
                try inflation.add(ByteBuffer(bytes: bytes), to: &output, atMost: 5000)
                try Fuzz.expect(output.readableBytes <= 5000, "more than may come out")
            } catch is Inflation.Failure {}
        }
    }

    @Test("an order is taken as the calls take it, or refused by a problem")
    func orders() throws {
        let corpus = [
            #"{"id":"o-1","user_id":"11111111-2222-7333-8444-555555555555","product_id":"상품-1","quantity":2,"#
                + #""unit_price":900,"currency":"KRW","ordered_at":"2026-11-30T12:00:00+09:00"}"#,
            #"{"id":"o","user_id":"11111111-2222-7333-8444-555555555555","product_id":"p"}"#,
        ].map { Array($0.utf8) }
        let words = [#""quantity":"#, #""unit_price":-1"#, #""id":null"#, "9007199254740993", "1e3"]
        try Fuzz.run("orders", corpus: corpus, words: words) { bytes in
            do {
                let order = try NewOrder(json: bytes)
                try Fuzz.expect(!order.id.isEmpty && ShopID.isValid(order.productID), "\(order)")
                try Fuzz.expect(order.quantity > 0 && order.unitPrice ?? 0 >= 0, "\(order)")
            } catch is Problem {
                try Fuzz.expect(!corpus.contains(bytes), "a good one is refused")
            }
        }
    }

    @Test("what stands in a head, a path or a query is read, or refused by a problem")
    func heads() throws {
        let page = ResourceCursor(sort: "name", descending: true, value: "상품", key: "p-1").text
        let corpus = [
            page, "\"5\"", "*", "\"-9223372036854775808\"", "2024-02-29", "2024-02-29T23:59:60.123456789+09:00",
            "0001-01-01T00:00:00Z", "gzip;q=0.5, *;q=0", "상품-1", "01890a5d-ac96-774b-bcce-b302099a8057", "250ms",
            "9999-12-31T23:59:59-23:59",
        ].map { Array($0.utf8) }
        try Fuzz.run(
            "heads", corpus: corpus, words: ["-02-30", "q=", "24:00", "T", "e30", "%", "18446744073709551616d"]
        ) {
            let text = String(decoding: $0, as: UTF8.self)
            do {
                let cursor = try ResourceCursor(text)
                let again = try ResourceCursor(cursor.text)
                try Fuzz.expect(again.value == cursor.value && again.key == cursor.key, "another place: \(cursor)")
            } catch is Problem {}
            do { _ = try Precondition([.ifMatch: text, .ifNoneMatch: text]) } catch is Problem {}
            try Self.expectTimesToAgree(text)
            if let id = ProductID(text) {
                try Fuzz.expect(id.pathPart.removingPercentEncoding == text, "another id behind a path: \(id.pathPart)")
            }
            if let id = RequestID(text) { try Fuzz.expect(RequestID(id.description) == id, "another id: \(id)") }
            if let duration = Duration(setting: text) {
                try Fuzz.expect(Duration(setting: duration.setting) == duration, "another time: \(duration.setting)")
            }
            _ = PackingMiddleware.takesGzip([text, text])
        }
    }

    private static func expectTimesToAgree(_ text: String) throws {
        if CalendarDate.isValid(text) {
            try Fuzz.expect(InternetTime("\(text)T00:00:00Z") != nil, "a day that is none")
        }
        guard let time = InternetTime(text) else { return }
        // Of a year that takes more digits, or none, only PostgreSQL's way of writing can tell.
        if (-62_135_596_800...253_402_300_799).contains(time.microseconds / 1_000_000) {
            try Fuzz.expect(InternetTime(time.text) == time, "another time the second time: \(time.text)")
        } else {
            try Fuzz.expect(time.sql.count > 10, "no time: \(time.sql)")
        }
    }
}
