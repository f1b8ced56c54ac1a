import QuartetCore

@testable import QuartetEmotion

/// A small made-up data set whose words decide everything.
enum TinyData {
    private static let words: [(Emotion, [String])] = [
        (.joy, ["wonderful", "행복해요", "delight"]), (.sadness, ["mourning", "눈물만", "grieving"]),
        (.anger, ["furious", "화가나", "outrage"]), (.fear, ["terrified", "소름돋아", "dread"]),
        (.disgust, ["nauseating", "역겨워", "filthy"]), (.surprise, ["unexpected", "깜짝이야", "astonished"]),
        (.neutral, ["tuesday", "상자입니다", "container"]),
    ]
    private static let fillers = ["the box", "오늘 받은", "this thing", "이 물건", "my order", "그 영화"]

    static func make(count: Int = 600, seed: UInt64 = 3) -> TrainingData {
        var random = SplitMix(state: seed)
        var data = TrainingData()
        data.addSplitting((0..<count).map { _ in example(&random) })
        data.addSplitting((0..<count).map { _ in rated(&random) })
        return data
    }

    private static func example(_ random: inout SplitMix) -> TrainingExample {
        let (emotion, choices) = words[Int.random(in: 0..<words.count, using: &random)]
        let text = fillers[Int.random(in: 0..<6, using: &random)] + " " + choices[Int.random(in: 0..<3, using: &random)]
        return TrainingExample(text: text, label: .emotions(EmotionSet(emotion)))
    }

    private static func rated(_ random: inout SplitMix) -> TrainingExample {
        let isGood = Bool.random(using: &random)
        let word = isGood ? "명작이에요" : "쓰레기에요"
        return TrainingExample(
            text: fillers[Int.random(in: 0..<6, using: &random)] + " " + word, label: .rating(isGood ? 10 : 1))
    }

    static func train(
        threads: Int = 1, seed: UInt64 = 1, parts: Int = 0, on data: TrainingData = make()
    ) async -> [UInt8] {
        var options = TrainingOptions()
        (options.threads, options.seed, options.bucketCount, options.notes) = (threads, seed, 4_096, "made up")
        (options.orders, options.parts) = (1, parts)
        return await ModelTrainer(options: options).train(data)
    }
}
