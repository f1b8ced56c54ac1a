import Foundation
import QuartetCore
import QuartetTesting
import Testing

@testable import QuartetEmotion

@Suite("Aspects", .ownThread)
struct AspectTests {
    private func signs(_ text: String) -> [String] {
        var reader = AspectReader()
        return reader.read(text).map { $0.term + ($0.polarity.value > 0 ? " +" : " -") }
    }

    @Test(
        "Each clause judges for itself",
        arguments: [
            ("디자인은 예쁜데 무거워요", ["디자인 +", "무게 -"]), ("비싸지만 맛있어요", ["가격 -", "맛 +"]),
            ("The design is beautiful but it is too heavy", ["design +", "weight -"]),
            ("Battery is terrible. The color is gorgeous", ["battery -", "color +"]),
        ])
    func clauses(text: String, aspects: [String]) {
        #expect(signs(text) == aspects)
    }

    @Test(
        "Other names of a thing are the thing",
        arguments: [
            ("택배가 빨라요", "배송 +"), ("Shipping was fast", "delivery +"), ("무겁지 않아요", "무게 +"),
            ("It is not heavy", "weight +"),
        ])
    func synonyms(text: String, aspect: String) {
        #expect(signs(text) == [aspect])
    }

    @Test(
        "A thing has one name, whichever form or plural a review has",
        arguments: [
            (["무게가 좋아요", "무거움", "무겁다", "중량이 좋아요"], "무게"), (["택배 빨라요", "배송이 빨라요"], "배송"),
            (["Slow shipping", "The delivery was slow", "Shipment was slow"], "delivery"),
            (["The hook is great", "The hooks are great"], "hook"),
            (["The brush is great", "The brushes are great"], "brush"), (["The bus is great"], "bus"),
        ])
    func names(texts: [String], term: String) {
        var reader = AspectReader()
        for text in texts { #expect(reader.read(text).map(\.term) == [term], "\(text)") }
    }

    @Test("Letters are letters, composed or not", arguments: ["café", "façade", "jalapeño", "brülée"])
    func letters(word: String) {
        for spelled in [word.precomposedStringWithCanonicalMapping, word.decomposedStringWithCanonicalMapping] {
            var reader = AspectReader()
            let terms = reader.read("The \(spelled) was awful").map(\.term)
            #expect(terms.map { Array($0.utf8) } == [Array(word.precomposedStringWithCanonicalMapping.utf8)])
        }
    }

    @Test(
        "Hangul is Hangul, composed or not, whether the thing has an entry or none",
        arguments: [("디자인은 예쁜데 무거워요", ["디자인", "무게"]), ("꼬리표가 별로예요", ["꼬리표"])])
    func hangul(text: String, terms: [String]) {
        for spelled in [text.precomposedStringWithCanonicalMapping, text.decomposedStringWithCanonicalMapping] {
            var reader = AspectReader()
            #expect(reader.read(spelled).map { Array($0.term.utf8) } == terms.map { Array($0.utf8) })
        }
    }

    @Test("A part of the goods is what is judged, not what its judgement implies")
    func parts() {
        #expect(signs("스탠드도 튼튼해요") == ["스탠드 +"])
        #expect(signs("케이스가 잘 깨져요") == ["케이스 -"])
        #expect(signs("The mic quality is terrible") == ["mic -"])
    }

    @Test("What only resembles or measures is no thing, and what a judgement implies is no second one")
    func likeness() {
        #expect(signs("It looks like it will be awful") == [])
        #expect(signs("음질은 가격 대비 훌륭해요") == ["음질 +"])
        #expect(signs("물빠짐이 심해요") == ["색상 -"])
    }

    @Test("English says what is wrong also by what a thing does not do, and by too much")
    func faults() {
        #expect(signs("The bag doesn't reseal") == ["bag -"])
        #expect(signs("The lid is too rotund to open") == ["lid -"])
        #expect(signs("The lid is not too rotund") == [])
        #expect(signs("I don't own a bag, she does too though") == [])
    }

    @Test("Of two English nouns the second is the thing, and of a thing's trait the trait is judged")
    func traits() {
        #expect(signs("The coffee lid is sturdy") == ["lid +"])
        #expect(signs("The coffee has a rich aroma") == ["smell +"])
    }

    @Test("Where something is, nothing is judged while a thing is")
    func places() {
        #expect(signs("A screw was missing from the box") == ["parts -"])
        #expect(signs("The lid in the box was great") == ["lid +"])
        #expect(signs("The dent in the lid is terrible") == ["lid -"])
    }

    @Test("What is added with a judgement of its own is judged by that")
    func additions() {
        #expect(signs("The color is great and the seams are crooked") == ["color +", "stitching -"])
        #expect(signs("The color and the fit are great") == ["color +", "fit +"])
    }

    @Test(
        "English verbs tell what they judge",
        arguments: [
            ("It won't pair with my phone", "connection -"), ("Runs big", "size -"),
            ("They answered within a day", "customer service +"),
            ("Keeps drinks cold", "insulation +"), ("It doesn't hold a charge", "battery -"),
        ])
    func verbs(text: String, aspect: String) {
        #expect(signs(text) == [aspect])
    }

    @Test("A thing is judged in its own sentence")
    func sentences() {
        #expect(signs("It stands in my room. Nasty").filter { $0.hasPrefix("room") } == [])
    }

    @Test("What is judged once is named once, and a helper is no praise")
    func once() {
        #expect(signs("냄새가 너무 심해요").count == 1)
        #expect(signs("The laptop has a fan") == [])
    }

    @Test(
        "What names or judges nothing gives nothing", arguments: ["", "선물용으로 샀어요", "I bought two of these", "!!! ㅋㅋ"])
    func nothing(text: String) {
        #expect(signs(text).isEmpty)
    }

    @Test("A span holds the judgement, in bytes of the text")
    func spans() throws {
        let text = "포장은 몰라도 배송이 정말 빨라요!"
        var reader = AspectReader()
        let aspect = try #require(reader.read(text).last)
        let bytes = Array(text.utf8)[aspect.span]
        #expect(String(decoding: bytes, as: UTF8.self).contains(aspect.opinion) && aspect.opinion == "빨라요")
        #expect(aspect.category == .delivery)
    }

    @Test("Random texts are read within bounds, each alone as after others")
    func random() {
        var (texts, reader) = (RandomText(seed: 9), AspectReader())
        for _ in 0..<3_000 {
            let text = texts.next()
            let aspects = reader.read(text)
            var alone = AspectReader()
            #expect(alone.read(text) == aspects)
            #expect(aspects.count <= AspectFinder.countMax)
            #expect(
                aspects.allSatisfy {
                    !$0.term.isEmpty && $0.term.utf8.count <= 64 && $0.opinion.utf8.count <= 1_000
                        && $0.span.upperBound <= text.utf8.count
                })
        }
    }

    @Test(
        "On the labelled reviews that were looked at, aspects are as good as they were",
        arguments: ["ko-dev", "en-dev"])
    func quality(name: String) throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = root.appending(path: "infra/model/aspects/\(name).tsv")
        var (evaluation, reader) = (AspectEvaluation(), AspectReader())
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
            let (text, labels) = try #require(AspectEvaluation.line(line))
            evaluation.add(reader.read(text), labels: labels)
        }
        #expect(evaluation.textCount == 150)
        #expect(evaluation.f1 >= 0.6 && evaluation.polarity >= 0.8 && evaluation.category >= 0.75)
    }
}
