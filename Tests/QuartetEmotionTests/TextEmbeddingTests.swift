import Testing

@testable import QuartetEmotion

@Suite("Embeddings of texts") struct TextEmbeddingTests {
    private func likeness(_ left: [String], _ right: [String]) -> Float {
        zip(TextEmbedding.point(of: left), TextEmbedding.point(of: right)).reduce(0) { $0 + $1.0 * $1.1 }
    }

    @Test(
        "they are of unit length, whatever the text",
        arguments: [[], [""], ["?"], ["머그컵 350ml", "Acme", "Cups"], ["💡"]])
    func lengths(_ texts: [String]) {
        let point = TextEmbedding.point(of: texts)
        #expect(point.count == TextEmbedding.dimension)
        #expect(abs(point.reduce(0) { $0 + $1 * $1 } - 1) < 1e-5 && point == TextEmbedding.point(of: texts))
    }

    @Test("what is alike lies near, in Korean and in English, however it is written")
    func nearness() {
        let mug = ["보온 머그컵 350ml", "스타웨어", "머그컵"]
        #expect(likeness(mug, ["스타웨어 보온머그컵 350 ml"]) > 0.6)
        #expect(likeness(mug, ["보온 머그컵 350ml", "스타웨어", "머그컵"]) > 0.999)
        #expect(likeness(mug, ["무선 키보드", "로지", "키보드"]) < 0.3)
        let lamp = ["Fox night lamp for kids", "Lumi"]
        #expect(likeness(lamp, ["LUMI Kids' Fox Night-Lamp"]) > 0.6)
        #expect(likeness(lamp, ["Stainless steel kettle 1.7 l", "Bosch"]) < 0.3)
    }

    @Test("points of other features are those of another model")
    func named() {
        #expect(TextEmbedding.model == "ngrams-\(TextFeatures.version)")
    }
}
