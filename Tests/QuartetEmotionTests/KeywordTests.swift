import Foundation
import QuartetCore
import QuartetEmotion
import QuartetTesting
import Testing

@Suite("Keywords", .ownThread)
struct KeywordTests {
    @Test(
        "Particles are cut from things",
        arguments: [
            ("배송이", "배송"), ("포장은", "포장"), ("디자인도", "디자인"), ("이어폰을", "이어폰"), ("매장에서는", "매장"), ("케이스까지", "케이스"),
            ("가격만", "가격"),
            ("색상으로", "색상"), ("커피와", "커피"), ("택배입니다", "택배"), ("사진처럼", "사진"), ("맛이", "맛"), ("향은", "향"),
        ])
    func particles(word: String, thing: String) async throws {
        #expect(try await read(word).keywords == [thing])
    }

    @Test(
        "Things that only look as if they had a particle stay whole", arguments: ["손잡이", "아이", "고양이", "온도", "밝기", "광고"])
    func wholeThings(word: String) async throws {
        #expect(try await read(word).keywords == [word])
    }

    @Test(
        "Verbs, stop words and counters are no keywords",
        arguments: ["그리고 했어요", "the and with it", "3개가 들어가고", "봤습니다", "12345 !!"])
    func leftOut(text: String) async throws {
        #expect(try await read(text).keywords.isEmpty)
    }

    @Test("Telling words come first, in their dictionary form")
    func order() async throws {
        #expect(try await read("배송이 늦었지만 머그컵은 너무 예뻐요").keywords == ["예쁘다", "늦다", "배송", "머그컵"])
        #expect(try await read("The strap is beautiful").keywords == ["beautiful", "strap"])
    }

    @Test("Forms of one word are one keyword")
    func forms() async throws {
        #expect(try await read("슬프고 슬펐고 슬퍼요").keywords == ["슬프다"])
    }

    @Test("What is denied says so")
    func denied() async throws {
        #expect(try await read("좋지는 않아요").keywords == ["안 좋다"])
        #expect(try await read("not beautiful").keywords == ["not beautiful"])
        #expect(try await read("실망은 없었어요").keywords == ["실망 없음"])
    }

    @Test("A thing named more often comes first")
    func frequency() async throws {
        #expect(try await read("zipper strap lining strap").keywords == ["strap", "zipper", "lining"])
    }

    @Test("Words of other scripts are kept as they are")
    func otherScripts() async throws {
        #expect(try await read("чашка 杯子").keywords == ["чашка", "杯子"])
    }

    @Test("Many and long words stay within the bounds")
    func bounds() async throws {
        let many = (0..<500).map { "word\($0)abc" }.joined(separator: " ")
        #expect(try await read(many).keywords.count == 16)
        let long = String(repeating: "abcdefgh", count: 9) + " zipper"
        #expect(try await read(long).keywords == ["zipper"])
        let telling = "love hate great awful scary wow sad good nice bad cute gross perfect terrible zipper"
        #expect(try await read(telling).keywords.contains("zipper"))
    }
}

extension KeywordTests {
    @Test(
        "Letters with accents are letters, composed or not",
        arguments: ["café", "façade", "jalapeño", "müller", "smørrebrød", "straße", "łódź"])
    func accents(word: String) async throws {
        for text in [word.precomposedStringWithCanonicalMapping, word.decomposedStringWithCanonicalMapping] {
            let reading = try await read("The \(text.capitalized) on the corner")
            let composed = Array(word.precomposedStringWithCanonicalMapping.utf8)
            #expect(reading.keywords.contains { Array($0.utf8) == composed })
        }
    }

    @Test("Hangul gives whole words, composed or not", arguments: ["손잡이", "머그컵", "완충재"])
    func hangul(word: String) async throws {
        for text in [word.precomposedStringWithCanonicalMapping, word.decomposedStringWithCanonicalMapping] {
            let keywords = try await read(text + "가 왔어요").keywords
            #expect(keywords.map { Array($0.utf8) } == [Array(word.precomposedStringWithCanonicalMapping.utf8)])
        }
    }
}
