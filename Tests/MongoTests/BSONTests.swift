import Foundation
import Testing

@testable import Mongo

@Suite("BSON")
struct BSONTests {
    /// What another driver's encoder made of one value of each type.
    static let everyType = hex(
        """
        5a01000001646f75626c6500000000000000f83f02737472696e67000700000068c3a96c6c6f0003646f63756d656e74000c0000001061000100\
        000000046172726179002a000000103000010000000231000400000074776f0003320010000000107468726565000300000000000562696e6172\
        79000300000000010203057575696400100000000400112233445566778899aabbccddeeff076f6964000123456789abcdef0123456708747275\
        6500010866616c736500000964617465007b68e5cf8b0100000a6e756c6c000b7265676578005e612e2a0069000d636f64650004000000662829\
        000f73636f706564001800000004000000672829000c000000107800010000000010696e74333200fbffffff1174696d657374616d7000090000\
        000700000012696e74363400000000000001000013646563696d616c000f000000000000000000000000003e307f6d617800ff6d696e0000
        """)

    static let uuid = UUID(uuidString: "00112233-4455-6677-8899-aabbccddeeff")!

    static let values: [(String, BSONValue)] = [
        ("double", 1.5), ("string", "héllo"), ("document", ["a": 1]), ("array", [1, "two", ["three": 3]]),
        ("binary", .bytes([1, 2, 3])), ("uuid", .uuid(uuid)),
        ("oid", .objectID(BSONObjectID("0123456789abcdef01234567")!)), ("true", true), ("false", false),
        ("date", .date(milliseconds: 1_700_000_000_123)), ("null", nil),
        ("regex", .regex(pattern: "^a.*", options: "i")),
        ("code", .javascript(code: "f()", scope: nil)), ("scoped", .javascript(code: "g()", scope: ["x": 1])),
        ("int32", -5), ("timestamp", .timestamp(BSONTimestamp(seconds: 7, increment: 9))), ("int64", .int64(1 << 40)),
        ("decimal", .decimal128(BSONDecimal128(low: 15, high: 0x303e_0000_0000_0000))), ("max", .maxKey),
        ("min", .minKey),
    ]

    @Test func writesTheBytesThatOtherDriversWrite() {
        #expect(BSONDocument(Self.values).bytes == Self.everyType)
    }

    @Test func readsEveryType() throws {
        let document = try BSONDocument(validating: Self.everyType)
        #expect(document.map(\.key) == Self.values.map(\.0))
        #expect(document.map(\.value) == Self.values.map(\.1))
    }

    @Test func writesAndReadsTheDeprecatedTypes() throws {
        let id = BSONObjectID()
        let document: BSONDocument = [
            "symbol": .symbol("s"), "pointer": .dbPointer(namespace: "a.b", id: id), "undefined": .undefined,
        ]
        let read = try BSONDocument(validating: document.bytes)
        #expect(read["symbol"] == .symbol("s"))
        #expect(read["pointer"] == .dbPointer(namespace: "a.b", id: id))
        #expect(read["undefined"] == .undefined)
    }

    @Test func readsNumbersThatFitExactly() throws {
        let document: BSONDocument = ["i": 7, "l": .int64(1 << 40), "d": 3.0, "f": 2.5, "none": nil]
        #expect(try document.decode("i", as: Int.self) == 7)
        #expect(try document.decode("i", as: Double.self) == 7)
        #expect(try document.decode("l", as: Int64.self) == 1 << 40)
        #expect(try document.decode("d", as: Int32.self) == 3)
        #expect(throws: BSONError(.typeMismatch(wanted: "Int32", found: .int64), key: "l")) {
            try document.decode("l", as: Int32.self)
        }
        #expect(throws: BSONError(.typeMismatch(wanted: "Int", found: .double), key: "f")) {
            try document.decode("f", as: Int.self)
        }
        #expect(throws: BSONError(.missingKey, key: "absent")) { try document.decode("absent", as: Int.self) }
        #expect(try document.decode("absent", as: Int?.self) == nil)
        #expect(try document.decode("none", as: Int?.self) == nil)
    }

    @Test func writerAndReaderAgree() throws {
        let now = Date(timeIntervalSince1970: 1_700_000_000.25)
        let document = BSONDocument { writer in
            writer.append("id", Self.uuid)
            writer.append("n", 5)
            writer.append("absent", ifPresent: String?.none)
            writer.append("at", now)
            writer.append(key: "dynamic", [UInt8]([9, 8]))
            writer.appendArray("words") { words in
                for word in 0..<12 { words.append("w\(word)") }
            }
            writer.appendDocument("inner") { $0.append("ids", [Self.uuid]) }
        }
        try document.validate()
        var reader = BSONReader(document)
        var keys: [String] = []
        while try reader.next() {
            keys.append(reader.key)
            if reader.isKey("id") { #expect(try reader.uuid() == Self.uuid) }
            if reader.isKey("at") { #expect(try reader.milliseconds() == 1_700_000_000_250) }
            if reader.isKey("dynamic") { #expect(try reader.read([UInt8].self) == [9, 8]) }
            if reader.isKey("words") { #expect(try reader.read([String].self) == (0..<12).map { "w\($0)" }) }
            if reader.isKey("inner") {
                var inner = try reader.nested()
                #expect(try inner.next() && inner.read([UUID].self) == [Self.uuid])
            }
        }
        #expect(keys == ["id", "n", "at", "dynamic", "words", "inner"])
    }

    @Test func nestedDocumentsOutliveTheirParent() throws {
        var outer: BSONDocument? = ["inner": ["text": "kept"], "after": 1]
        let inner = try #require(outer?["inner"]?.asDocument)
        outer = nil
        #expect(inner["text"] == "kept")
        #expect(inner == ["text": "kept"])
        #expect(inner.bytes == BSONDocument([("text", "kept")]).bytes)
    }

    @Test func appendsToADocument() throws {
        var document: BSONDocument = ["a": 1]
        document.append("b", "two")
        #expect(document == ["a": 1, "b": "two"])
        try document.validate()
    }

    @Test func aBatchHoldsManyDocumentsAndNoFailedOne() throws {
        struct Refusal: Error {}
        var batch = BSONBatch()
        batch.append { $0.append("n", 1) }
        #expect(throws: Refusal.self) {
            try batch.append { writer in
                writer.append("n", 2)
                throw Refusal()
            }
        }
        batch.append(["n": .int(3)])
        #expect(Array(batch) == [["n": .int(1)], ["n": .int(3)]])
        #expect(batch.byteCount == batch.map(\.byteCount).reduce(0, +))
    }

    @Test func objectIDsAreUniqueAndOrdered() {
        let ids = (0..<1000).map { _ in BSONObjectID() }
        #expect(Set(ids).count == 1000)
        #expect(ids.allSatisfy { BSONObjectID($0.description) == $0 })
        #expect(BSONObjectID("0123456789abcdef0123456") == nil)
        #expect(BSONObjectID("+123456789abcdef01234567") == nil)
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity, 1e300])
    func datesBeyondTheirRangeAreItsEnds(seconds: Double) {
        let milliseconds = Date(timeIntervalSince1970: seconds).bsonMilliseconds
        #expect(milliseconds == (seconds > 0 ? Int64.max : .min))
    }

    static func hex(_ text: String) -> [UInt8] {
        let digits = Array(text.utf8)
        return stride(from: 0, to: digits.count, by: 2).map {
            UInt8(String(decoding: digits[$0..<($0 + 2)], as: UTF8.self), radix: 16)!
        }
    }
}
