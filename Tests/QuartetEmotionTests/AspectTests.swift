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
