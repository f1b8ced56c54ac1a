import ArgumentParser
import Foundation
import QuartetBench
import QuartetCore
import QuartetEmotion

struct BenchEmotion: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "emotion",
        abstract: "How many short reviews a second one core reads, with and without aspects and fold; and random texts."
    )

    @Option(help: "A file of products and their reviews, as ingest takes it; a few sentences in turns without it.")
    var reviews: String?

    @Option(help: "A model file; the one inside the program without it.")
    var model: String?

    @Option(help: "Reviews at most.")
    var limit = 20_000

    @Option(help: "Rounds, of which the median counts.")
    var rounds = 7

    @Option(help: "Have this many random texts read instead, each alone and in a batch.")
    var fuzz: Int?

    @Option(help: "What the random texts follow from.")
    var seed: UInt64 = 1

    func validate() throws {
        if limit < 1 || rounds < 1 || fuzz ?? 1 < 1 {
            throw ValidationError("--limit, --rounds and --fuzz are at least 1")
        }
    }

    func run() async throws {
        let model = try self.model.map { try EmotionModel(path: $0) } ?? EmotionModel.embedded()
        let analyzer = ModelAnalyzer(model: model)
        if let fuzz {
            let bar = ProgressBar("fuzz", total: fuzz, unit: "texts")
            let figures = try await EmotionFuzz(count: fuzz, seed: seed).run(analyzer) { bar.advance(by: $0) }
            bar.finish()
            Terminal.out(try ReportJSON.text(of: figures))
        } else {
            let figures = try await EmotionBench(rounds: rounds).run(
                try texts(),
                [
                    .init(", without aspects", ModelAnalyzer(model: model, findsAspects: false)), .init("", analyzer),
                    .init(", with cards and fold", analyzer, folds: true), .init("", LexiconAnalyzer()),
                ])
            Terminal.out(try ReportJSON.text(of: figures))
        }
    }

    private func texts() throws -> [Review] {
        guard let reviews else {
            return (0..<limit).map { Review(id: "\($0)", text: Self.sentences[$0 % Self.sentences.count]) }
        }
        let file = try ReviewFile(path: reviews)
        var texts: [Review] = []
        while texts.count < limit, let product = try file.next() {
            for bytes in try product.get().reviews.prefix(limit - texts.count) {
                let review = try JSONDecoder().decode(ReviewText.self, from: Data(bytes))
                texts.append(Review(id: "\(texts.count)", text: review.text))
            }
        }
        return texts
    }

    private struct ReviewText: Decodable {
        let text: String
    }

    private static let sentences = [
        "배송이 정말 빨라서 놀랐어요. 포장도 꼼꼼하네요.", "소리가 너무 좋아요! 이 가격에 이 정도면 최고입니다 ㅎㅎ",
        "일주일 만에 고장났습니다. 고객센터는 전화도 안 받네요.", "The battery lasts all day and the case feels solid.",
        "Broke after two days, very disappointed.", "그냥 무난해요. 싸니까 쓰지만 다시 사지는 않을 것 같아요.",
        "냄새가 너무 역해서 바로 버렸어요.", "Not as bright as I hoped, but it looks cute on the shelf.",
        "사이즈가 생각보다 작아서 슬펐어요 ㅠㅠ", "원두 향이 진하고 고소해서 재구매 의사 있어요.",
    ]
}
