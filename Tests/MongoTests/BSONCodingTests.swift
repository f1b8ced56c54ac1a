import Foundation
import Testing

@testable import Mongo

@Suite("BSON and Codable")
struct BSONCodingTests {
    struct Card: Codable, Equatable {
        enum Mood: String, Codable { case joy, anger }
        struct Score: Codable, Equatable {
            let name: String
            let value: Double
        }

        var id = UUID()
        var ordinal = 3
        var mood = Mood.joy
        var scores = [Score(name: "joy", value: 0.75), Score(name: "anger", value: 0.25)]
        var best: Score? = Score(name: "joy", value: 0.75)
        var note: String?
        var at = Date(timeIntervalSince1970: 1_700_000_000.125)
        var payload = Data([1, 2, 3])
        var raw: [UInt8] = [4, 5]
        var tags: [String: Int] = ["a": 1]
        var matrix = [[1, 2], [3]]
        var optionals: [Int?] = [1, nil, 3]
        var small: Int8 = -7
        var large = UInt64(1) << 62
        var ratio: Float = 0.5
        var isNew = true
        var empty: [Int] = []
    }

    @Test func aValueComesBackAsItWas() throws {
        let card = Card()
        let document = try BSONEncoder().encode(card)
        try document.validate()
        #expect(try BSONDecoder().decode(Card.self, from: document) == card)
    }

    @Test func typesAreTheNaturalOnes() throws {
        let card = Card()
        let document = try BSONEncoder().encode(card)
        #expect(document["id"] == .uuid(card.id))
        #expect(document["ordinal"] == .int64(3))
        #expect(document["mood"] == "joy")
        #expect(document["at"] == .date(milliseconds: 1_700_000_000_125))
        #expect(document["payload"] == .bytes([1, 2, 3]))
        #expect(document["raw"] == .bytes([4, 5]))
        #expect(document["matrix"] == [[.int64(1), .int64(2)], [.int64(3)]])
        #expect(document["optionals"] == [.int64(1), nil, .int64(3)])
        #expect(document["best"] == ["name": "joy", "value": 0.75])
        #expect(document["small"] == .int32(-7))
        #expect(document["empty"] == [])
        #expect(!document.contains { $0.key == "note" })
    }

    @Test func keysInAnotherOrderAndUnknownOnesAreFine() throws {
        let document = BSONDocument(try BSONEncoder().encode(Card()).map { ($0.key, $0.value) }.reversed() + [("x", 1)])
        #expect(try BSONDecoder().decode(Card.self, from: document).ordinal == 3)
    }

    @Test func aWrongTypeNamesItsPath() throws {
        var document = try BSONEncoder().encode(Card())
        document = BSONDocument(document.filter { $0.key != "scores" }.map { ($0.key, $0.value) })
        document.append("scores", [["name": "joy", "value": 1], ["name": "anger", "value": "much"]])
        #expect {
            try BSONDecoder().decode(Card.self, from: document)
        } throws: { error in
            guard case DecodingError.typeMismatch(_, let context) = error else { return false }
            return context.codingPath.map(\.stringValue) == ["scores", "1", "value"]
        }
    }

    @Test func anAbsentKeyIsNamed() {
        #expect {
            try BSONDecoder().decode(Card.Score.self, from: ["name": "joy"])
        } throws: { error in
            guard case DecodingError.keyNotFound(let key, _) = error else { return false }
            return key.stringValue == "value"
        }
    }

    @Test func aNumberThatDoesNotFitIsRefused() {
        struct Wide: Encodable { let n = UInt64.max }
        struct Narrow: Decodable { let n: Int8 }
        #expect(throws: EncodingError.self) { try BSONEncoder().encode(Wide()) }
        #expect(throws: DecodingError.self) { try BSONDecoder().decode(Narrow.self, from: ["n": 300]) }
    }

    @Test func onlyDocumentsAreEncodedAtTheTop() {
        #expect(throws: EncodingError.self) { try BSONEncoder().encode([1, 2]) }
        #expect(throws: EncodingError.self) { try BSONEncoder().encode("text") }
        #expect(throws: EncodingError.self) { try BSONEncoder().encode(["a\0b": 1]) }
    }

    @Test func aNestedContainersKeyHoldsNoZeroByte() {
        for kind in ["keyed", "unkeyed", "super"] {
            let error = #expect(throws: EncodingError.self) { try BSONEncoder().encode(ZeroKey(kind: kind)) }
            guard case .invalidValue(_, let context)? = error else { return }
            #expect(context.codingPath.map(\.stringValue) == ["outer"])
        }
    }

    struct ZeroKey: Encodable {
        let kind: String

        func encode(to encoder: any Encoder) throws {
            var outermost = encoder.container(keyedBy: BSONPathKey.self)
            var outer = outermost.nestedContainer(keyedBy: BSONPathKey.self, forKey: BSONPathKey(stringValue: "outer"))
            let key = BSONPathKey(stringValue: "a\0b")
            switch kind {
            case "keyed": _ = outer.nestedContainer(keyedBy: BSONPathKey.self, forKey: key)
            case "unkeyed": _ = outer.nestedUnkeyedContainer(forKey: key)
            default: _ = outer.superEncoder(forKey: key)
            }
        }
    }

    @Test func classesEncodeTheirSuperclass() throws {
        let decoded = try BSONDecoder().decode(Derived.self, from: try BSONEncoder().encode(Derived(a: 1, b: 2)))
        #expect((decoded.a, decoded.b) == (1, 2))
    }

    @Test func interleavedContainersKeepTheirPlaces() throws {
        let document = try BSONEncoder().encode(Interleaved())
        #expect(document == ["first": ["x": .int64(1), "late": .int64(3)], "second": .int64(2)])
    }

    struct Interleaved: Encodable {
        enum Keys: String, CodingKey { case first, second, x, late }

        func encode(to encoder: any Encoder) throws {
            var outer = encoder.container(keyedBy: Keys.self)
            var inner = outer.nestedContainer(keyedBy: Keys.self, forKey: .first)
            try inner.encode(1, forKey: .x)
            try outer.encode(2, forKey: .second)
            try inner.encode(3, forKey: .late)
        }
    }

    class Base: Codable {
        let a: Int
        init(a: Int) { self.a = a }
    }

    final class Derived: Base {
        let b: Int
        enum Keys: CodingKey { case b }

        init(a: Int, b: Int) {
            self.b = b
            super.init(a: a)
        }

        required init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Keys.self)
            b = try container.decode(Int.self, forKey: .b)
            try super.init(from: container.superDecoder())
        }

        override func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Keys.self)
            try container.encode(b, forKey: .b)
            try super.encode(to: container.superEncoder())
        }
    }
}
