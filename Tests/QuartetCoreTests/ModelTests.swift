import Foundation
import Testing

@testable import QuartetCore

@Suite struct IdentifierTests {
    @Test func idsGrowAndAreOfVersionSeven() {
        var last = RequestID.make()
        for _ in 0..<10_000 {
            let next = RequestID.make()
            #expect(last < next)
            last = next
        }
        let text = last.description
        #expect(text[text.index(text.startIndex, offsetBy: 14)] == "7")
        #expect("89ab".contains(text[text.index(text.startIndex, offsetBy: 19)]))
    }

    @Test func idsCarryTheirTime() throws {
        let id = UUIDv7.make(now: Date(timeIntervalSince1970: 4_102_444_800))
        #expect(id.uuidString.hasPrefix("03BB2CC3-D800"))
    }

    @Test(arguments: ["a", "nsmc-37296", "상품-1", "a/{b} c", String(repeating: "x", count: 128)])
    func productIDsThatAreAllowed(_ text: String) {
        #expect(ProductID(text)?.text == text)
    }

    @Test(arguments: ["", "a\tb", "e\u{301}", "a\u{0}", String(repeating: "x", count: 129)])
    func productIDsThatAreNot(_ text: String) {
        #expect(ProductID(text) == nil)
    }
}

@Suite struct SipHashTests {
    /// The first vectors of the reference implementation: key 00...0f, input 00 01 02 ..., 128 bits.
    @Test func referenceVectorsOfWholeWords() {
        var hash = SipHash128(key0: 0x0706_0504_0302_0100, key1: 0x0f0e_0d0c_0b0a_0908)
        let empty = SipHash128(key0: 0x0706_0504_0302_0100, key1: 0x0f0e_0d0c_0b0a_0908).finish()
        #expect(empty.low == 0xe6a8_25ba_047f_81a3 && empty.high == 0x9302_55c7_1472_f66d)
        hash.append(0x0706_0504_0302_0100)
        let eight = hash.finish()
        #expect(eight.low == 0x61f5_5862_baa9_623b && eight.high == 0xb497_14f3_64e2_830f)
    }
}

@Suite struct FractionTests {
    @Test(arguments: [(0.12345, 1235), (-0.5, -5000), (2, 10_000), (-.infinity, 0), (.nan, 0), (0.00004, 0)])
    func valuesAreRoundedAndClamped(_ value: Double, _ tenThousandths: Int) {
        #expect(Fraction(value).tenThousandths == Int32(tenThousandths))
    }

    @Test func aDoubleComesBackExactly() {
        for step in Int32(-10_000)...10_000 {
            #expect(Fraction(Fraction(tenThousandths: step).value).tenThousandths == step)
        }
    }

    @Test func theStrongestEmotionIsTheFirstOfEquals() {
        var scores = EmotionScores()
        scores[.fear] = Fraction(0.4)
        scores[.anger] = Fraction(0.4)
        #expect(scores.strongest == .anger)
        #expect(EmotionScores().strongest == .joy)
    }
}

@Suite struct JSONWriterTests {
    private func text(_ body: (inout JSONWriter) -> Void) -> String {
        String(decoding: JSONWriter.object(body), as: UTF8.self)
    }

    @Test func nestsAndSeparates() {
        let json = text { json in
            json.field("a", 1)
            json.key("b")
            json.array { json in
                json.value("x")
                json.object { _ in }
                json.null()
            }
            json.field("c", ifPresent: nil)
            json.key("d")
            json.value(true)
        }
        #expect(json == #"{"a":1,"b":["x",{},null],"d":true}"#)
    }

    @Test(arguments: [(1, "0.0001"), (-12_300, "-1"), (-1230, "-0.123"), (0, "0"), (10_000, "1"), (5000, "0.5")])
    func fractionsAreShort(_ tenThousandths: Int, _ expected: String) {
        #expect(text { $0.field("f", Fraction(tenThousandths: Int32(tenThousandths))) } == #"{"f":\#(expected)}"#)
    }

    @Test func anyTextComesBack() throws {
        let odd = "\"\\/\u{0}\u{1F}\n\t한글 😀 \u{2028}"
        let json = JSONWriter.object { $0.field("t", odd) }
        let object = try #require(JSONSerialization.jsonObject(with: Data(json)) as? [String: String])
        #expect(object["t"] == odd)
    }
}
