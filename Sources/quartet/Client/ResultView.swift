import Foundation
import QuartetCore

/// A result as people read it.
struct ResultView {
    private static let icons = [
        "joy": "😊", "sadness": "😢", "anger": "😠", "fear": "😨", "disgust": "🤢", "surprise": "😮", "neutral": "😐",
    ]

    let answer: AnalysisAnswer

    var text: String {
        guard let result = answer.result else {
            return "\(answer.productID): \(answer.status)\(answer.failure.map { ": \($0)" } ?? "")"
        }
        var lines = [
            "",
            TextWidth.cut("── \(answer.productID) · \(result.reviews) reviews", to: TextWidth.columns - 31) + " "
                + TextWidth.cut("· \(result.analyzer.name) \(result.analyzer.version)", to: 30),
            "",
        ]
        for emotion in Emotion.allCases { lines.append(emotionLine(emotion.rawValue, in: result)) }
        let counts = result.polarityCounts
        lines.append("")
        lines.append(
            "   polarity \(Self.signed(result.polarity))  "
                + "(\(counts.positive) good, \(counts.neutral) in between, \(counts.negative) bad)")
        lines += aspectLines(in: result) ?? keywordLines(in: result)
        lines += monthLines(in: result)
        if !result.excerpts.isEmpty { lines.append("") }
        for excerpt in result.excerpts.prefix(5) {
            let text = TextWidth.cut(excerpt.text, to: TextWidth.columns - 16)
            lines.append("   \(Self.icons[excerpt.emotion] ?? " ") \(Self.signed(excerpt.polarity))  “\(text)”")
        }
        return lines.joined(separator: "\n")
    }

    private func emotionLine(_ name: String, in result: ResultAnswer) -> String {
        let count = result.emotions[name] ?? 0
        let largest = max(result.emotions.values.max() ?? 1, 1)
        let bar = Terminal.bar(Double(count) / Double(largest), width: 24)
        let label = name.padding(toLength: 9, withPad: " ", startingAt: 0)
        return "   \(Self.icons[name] ?? " ") \(label) \(bar) \(count)"
    }

    /// What is judged, by how many reviews on either side, and what the louder side says: a line of 80 columns each. Nil
    /// where the cards name nothing.
    private func aspectLines(in result: ResultAnswer) -> [String]? {
        guard let aspects = result.aspects, !aspects.isEmpty else { return nil }
        return [""]
            + aspects.prefix(8).map { aspect in
                let counts = "\(Self.right(aspect.positive)) good \(Self.right(aspect.negative)) bad"
                let isBad = aspect.negative > aspect.positive
                let voice = (isBad ? aspect.complaint : aspect.praise) ?? aspect.praise ?? aspect.complaint
                let start =
                    "   \(TextWidth.fit(aspect.term, to: 14)) \(TextWidth.fit(aspect.category, to: 9)) \(counts)"
                guard let voice else { return start }
                let room = TextWidth.columns - TextWidth.of(start) - 4
                return "\(start)  “\(TextWidth.cut(voice.text, to: room))”"
            }
    }

    /// How each month's reviews felt, and what was blamed most in it.
    private func monthLines(in result: ResultAnswer) -> [String] {
        guard let months = result.months, months.count > 1 else { return [] }
        return [""]
            + months.suffix(12).map { month in
                let worst = month.aspects.filter { $0.negative * 2 > $0.count }.max { $0.negative < $1.negative }
                let blamed = worst.map { " · \(TextWidth.cut($0.term, to: 30)) \($0.negative)/\($0.count) bad" } ?? ""
                let reviews = "\(Self.right(month.reviews)) \(month.reviews == 1 ? "review " : "reviews")"
                return "   \(month.month)  \(reviews)  \(Self.signed(month.polarity))\(blamed)"
            }
    }

    private static func right(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: " ", count: max(0, 4 - digits.count)) + digits
    }

    /// How many of the reviews that name it agree, for each word.
    private func keywordLines(in result: ResultAnswer) -> [String] {
        func line(_ label: String, _ opinions: [ResultAnswer.Opinion]?) -> [String] {
            guard let opinions, !opinions.isEmpty else { return [] }
            let terms = opinions.map { "\($0.term) \($0.agreeing)/\($0.count)" }.joined(separator: ", ")
            return ["   \(label) " + TextWidth.cut(terms, to: TextWidth.columns - 12)]
        }
        return line("liked   ", result.likes) + line("disliked", result.dislikes)
    }

    static func signed(_ value: Double) -> String {
        let hundredths = Int((abs(value) * 100).rounded())
        let sign = value < 0 && hundredths > 0 ? "−" : "+"
        let digits = hundredths % 100 < 10 ? "0\(hundredths % 100)" : "\(hundredths % 100)"
        return "\(sign)\(hundredths / 100).\(digits)"
    }

    static func oneLine(_ text: String, lengthMax: Int = 90) -> String {
        let flat = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return flat.count <= lengthMax ? flat : flat.prefix(lengthMax - 1) + "…"
    }
}
