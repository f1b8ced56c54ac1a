import Foundation
import Testing

@testable import Mongo

@Suite("BSON from anywhere")
struct BSONHostileBytesTests {
    @Test(arguments: [
        "", "00", "0500000000ff", "04000000", "0600000000", "0500000001", "ffffffff00", "7fffffff00",
        // An unknown type, a key without an end, a string without its zero, a string longer than its document.
        "08000000556100" + "00", "0700000010" + "6161", "0e00000002610002000000" + "6161" + "00",
        "0e000000026100ff0000006100" + "00",
        // A boolean of 2, a string that is no UTF-8, an inner document that is too long.
        "0900000008610002" + "00", "0e00000002610002000000ff0000", "0d000000036100060000000000",
    ])
    func malformedBytesAreRefused(bytes: String) {
        #expect(throws: BSONError.self) { try BSONDocument(validating: BSONTests.hex(bytes)) }
    }

    @Test func nestingHasALimit() throws {
        func nested(_ depth: Int) -> BSONDocument {
            (1..<depth).reduce(BSONDocument()) { inner, _ in ["d": .document(inner)] }
        }
        _ = try BSONDocument(validating: nested(BSONDocument.depthMax).bytes)
        #expect { try BSONDocument(validating: nested(BSONDocument.depthMax + 1).bytes) } throws: {
            ($0 as? BSONError)?.code == .tooDeep
        }
    }

    @Test(arguments: [Nest.document, .array]) func decodingDepthHasALimit(nest: Nest) throws {
        let deepest = try BSONDecoder().decode(Tree.self, from: nest.document(BSONDocument.depthMax))
        #expect(deepest.depth == BSONDocument.depthMax)
        for depth in [BSONDocument.depthMax + 1, 20_000] {
            #expect {
                try BSONDecoder().decode(Tree.self, from: nest.document(depth))
            } throws: { error in
                guard case DecodingError.dataCorrupted(let context) = error else { return false }
                return (context.underlyingError as? BSONError)?.code == .tooDeep
            }
        }
    }

    /// Documents in documents, or arrays in arrays in a document.
    enum Nest {
        case document
        case array

        func document(_ depth: Int) -> BSONDocument {
            // From the outside in: each header is eight bytes, each end one.
            var bytes: [UInt8] = []
            for level in 0..<depth {
                let length = Int32((depth - level - 1) * 8 + 5).littleEndian
                withUnsafeBytes(of: length) { bytes += $0 }
                if level < depth - 1 { bytes += [self == .array ? 4 : 3, UInt8(ascii: "0"), 0] }
            }
            return BSONDocument(trusted: bytes + Array(repeating: 0, count: depth))
        }
    }

    private struct Tree: Decodable {
        let depth: Int

        init(from decoder: any Decoder) throws {
            if var array = try? decoder.unkeyedContainer() {
                depth = try array.isAtEnd ? 1 : array.decode(Tree.self).depth + 1
            } else {
                let container = try decoder.container(keyedBy: BSONPathKey.self)
                depth = try (container.decodeIfPresent(Tree.self, forKey: BSONPathKey(intValue: 0))?.depth ?? 0) + 1
            }
        }
    }

    @Test func aKeyBehindMalformedBytesIsNotAbsent() {
        struct Optional: Decodable { let b: Int? }
        // {a: ?, b: 1}, with a of no known type.
        let document = BSONDocument(trusted: BSONTests.hex("0f000000" + "556100" + "10620001000000" + "00"))
        #expect(throws: DecodingError.self) { try BSONDecoder().decode(Optional.self, from: document) }
    }

    @Test func anErrorNamesThePath() throws {
        let inner = BSONDocument(trusted: BSONTests.hex("09000000086100" + "02" + "00"))
        let bytes = BSONDocument([("list", .array([.document(inner)]))]).bytes
        #expect(throws: BSONError(.malformed, key: "list.0.a")) { try BSONDocument(validating: bytes) }
    }

    /// No bytes make validation, iteration, lookup or decoding crash, and what validation accepts is read without an error.
    @Test(arguments: 0..<8)
    func mutatedBytesNeverCrash(seed: Int) throws {
        var generator = SeededGenerator(state: UInt64(seed) &* 0x9E37_79B9 &+ 1)
        let original = BSONTests.everyType
        for _ in 0..<4000 {
            var bytes = original
            for _ in 0...Int.random(in: 0..<4, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                case 2: bytes.remove(at: index)
                default: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: index)
                }
            }
            try exercise(bytes)
        }
    }

    @Test func randomBytesNeverCrash() throws {
        var generator = SeededGenerator(state: 7)
        for _ in 0..<20_000 {
            let count = Int.random(in: 0..<64, using: &generator)
            var bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            if count >= 5 {
                bytes.replaceSubrange(0..<4, with: [UInt8(count), 0, 0, 0])
                bytes[count - 1] = 0
            }
            try exercise(bytes)
        }
    }

    private func exercise(_ bytes: [UInt8]) throws {
        let isValid = (try? BSONDocument(validating: bytes)) != nil
        guard let document = try? BSONDocument(viewing: bytes, from: 0, upTo: bytes.count) else {
            #expect(!isValid)
            return
        }
        let count = walk(document, depth: 0)
        _ = document["scoped"]
        _ = document.hashValue
        _ = try? BSONDecoder().decode(Anything.self, from: document)
        if isValid {
            var reader = BSONReader(document)
            var counted = 0
            while try reader.next() {
                _ = try reader.value
                counted += 1
            }
            #expect(counted == count)
        }
    }

    @discardableResult
    private func walk(_ document: BSONDocument, depth: Int) -> Int {
        var count = 0
        for (_, value) in document {
            count += 1
            guard depth < 200 else { continue }
            switch value {
            case .document(let inner): walk(inner, depth: depth + 1)
            case .array(let array): walk(array.document, depth: depth + 1)
            case .javascript(_, .some(let scope)): walk(scope, depth: depth + 1)
            default: break
            }
        }
        return count
    }

    private struct Anything: Decodable {
        struct Inner: Decodable { let a: Int }

        let double: Double
        let string: String
        let document: Inner
        let binary: Data
        let uuid: UUID
        let date: Date
        let int32: Int8
        let int64: Int
    }
}

/// SplitMix64: the same numbers for the same seed.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
