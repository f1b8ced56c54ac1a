import Foundation
import Kafka
import QuartetCore
import QuartetTesting
import RabbitMQ
import Testing

@testable import Mongo
@testable import QuartetStores
@testable import Redis

/// What stores and buses send: BSON, RESP, events.
@Suite("Fuzzing what stores and buses send", .ownThread)
struct StoreTests {
    private static let documents: [BSONDocument] = [
        [:],
        [
            "_id": .uuid(UUID(uuid: (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16))), "n": .int32(-1),
            "m": .int64(.max), "d": .double(0.5), "t": "정말", "b": .bool(true),
            "at": .date(milliseconds: 1_700_000_000_000),
            "list": [1, "a", .null, ["x": 1]], "in": ["deep": ["deeper": ["deepest": .minKey]]],
            "bin": .binary(BSONBinary([0, 1, 2], subtype: 0)),
        ],
        ["cards": [["review_id": "r", "scores": ["joy": 0.75, "anger": 0.25], "keywords": ["가성비", "배송"]]]],
    ]

    /// What ``documents`` may be decoded as.
    private struct Task: Decodable {
        struct Inner: Decodable { let x: Int? }
        let n: Int32?
        let m: Int?
        let d: Double?
        let t: String?
        let b: Bool?
        let list: [Inner]?
        let cards: [[String: String]]?
    }

    @Test("a document that is taken is read to its end, or refused")
    func bson() throws {
        try Fuzz.run(
            "bson", corpus: Self.documents.map(\.bytes), words: ["\u{2}t\0\u{5}\0\0\0", "\u{3}in\0", "\u{4}0\0"]
        ) {
            do {
                let document = try BSONDocument(validating: $0)
                try Fuzz.expect(document.bytes == $0, "other bytes than were given")
                let copy = BSONDocument(document.map { ($0.key, $0.value) })
                let again = try BSONDocument(validating: copy.bytes)
                try Fuzz.expect(again.bytes == copy.bytes, "another document the second time")
                _ = "\(document)"
                _ = try? BSONDecoder().decode(Task.self, from: document)
            } catch is BSONError {}
        }
    }

    @Test("replies are the same however they are cut")
    func resp() throws {
        let corpus = [
            "+OK\r\n:-42\r\n$5\r\nh\r\nlo\r\n$-1\r\n*-1\r\n*0\r\n", "-ERR no\r\n",
            "*3\r\n:1\r\n*2\r\n$1\r\na\r\n*0\r\n-ERR in\r\n",
            "*2\r\n$4\r\nname\r\n*1\r\n*1\r\n*1\r\n:9223372036854775807\r\n",
        ].map { Array($0.utf8) }
        let words = [
            "\r\n", "$-1\r\n", "*1\r\n", "*4294967296\r\n", "$2147483647\r\n", ":-9223372036854775808\r\n", "%1\r\n",
        ]
        var random = SplitMix64(state: Fuzz.seed)
        try Fuzz.run("resp", corpus: corpus, words: words) { bytes in
            let whole = Self.replies(bytes, inPiecesOf: max(bytes.count, 1))
            let cut = Self.replies(bytes, inPiecesOf: Int.random(in: 1...7, using: &random))
            try Fuzz.expect(whole.replies == cut.replies && whole.isBroken == cut.isBroken, "\(whole) and \(cut)")
        }
    }

    private static func replies(_ bytes: [UInt8], inPiecesOf size: Int) -> (replies: [RedisValue], isBroken: Bool) {
        var reader = ReplyReader()
        var replies: [RedisValue] = []
        do {
            for start in stride(from: 0, to: bytes.count, by: size) {
                try Array(bytes[start..<min(start + size, bytes.count)]).withUnsafeBytes { try reader.feed($0) }
                while let reply = try reader.next() { replies.append(reply) }
            }
        } catch {
            return (replies, true)
        }
        return (replies, false)
    }

    // MARK: Events

    private static let names = [
        "ce_specversion", "ce_id", "ce_type", "ce_subject", "ce_time", "ce_aggregateversion", "ce_source",
        "ce_traceparent",
    ]
    private static let values = [
        [
            "1.0", "3-77-1", "analysis.completed", "01890a5d-ac96-774b-bcce-b302099a8057",
            "2024-02-29T12:34:56.789012Z", "9",
        ],
        ["1.0", "1", "product.updated", "상품-1", "2024-02-29T12:34:56Z", "9223372036854775807", "quartet", "00-1-2-01"],
        ["1.0", "1", "auth.user.created", "11111111-2222-7333-8444-555555555555", "2024-02-29T12:34:56.1+09:00", "0"],
    ]
    private static let payloads = [
        #"{"product_id":"p","generation":2,"result_version":9}"#, #"{"name": "x", "price": null, "tags": ["a"]}"#, "",
    ]

    /// The value and the headers of one record in one input: a zero between each, and a line's end behind a header's name.
    private static let records: [[UInt8]] = zip(values, payloads).map { values, payload in
        let headers = zip(names, values).map { "\($0.0)\n\($0.1)" }
        return Array(([payload] + headers).joined(separator: "\0").utf8)
    }

    private static func parts(_ bytes: [UInt8]) -> (headers: [(name: String, value: [UInt8])], value: [UInt8]) {
        let parts = bytes.split(separator: 0, omittingEmptySubsequences: false)
        let headers = parts.dropFirst().map { part in
            let pair = part.split(separator: 10, maxSplits: 1, omittingEmptySubsequences: false)
            return (String(decoding: pair[0], as: UTF8.self), pair.count > 1 ? Array(pair[1]) : [])
        }
        return (headers, Array(parts.first ?? []))
    }

    @Test("an event is read, as it comes over either bus, or put aside with a reason")
    func cloudEvents() throws {
        try Fuzz.run("cloudevents", corpus: Self.records, words: Self.names + Self.values.flatMap(\.self)) { bytes in
            let (headers, value) = Self.parts(bytes)
            do {
                let event = try CloudEvent.event(headers: headers, value: value)
                let record = CloudEvent.record(of: event)
                let again = try CloudEvent.event(
                    headers: record.headers.map { ($0.name, $0.value) }, value: record.value ?? [])
                try Fuzz.expect(again == event, "another event the second time: \(event) and \(again)")
                _ = try CacheFamily.invalidations(by: event)
            } catch let error as EventDecodingError {
                try Fuzz.expect(!error.reason.isEmpty && !error.reason.contains("\n"), "no reason: \(error)")
            }
            if let flat = FlatJSON(value) { _ = (flat.text("product_id"), flat.integer("generation")) }
        }
    }
}
