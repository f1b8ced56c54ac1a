import Foundation
import QuartetCore

/// The documents that go to a model server and come back.
///
/// Request: `{"reviews": [{"id", "text"}, ...]}`. Answer: `{"readings": [...]}` with, for each review in any order, either
/// `{"id", "scores": {"joy": 0...1, ... all seven}, "polarity": -1...1}` and, where the server has them, `"emotion"`,
/// `"keywords"`, `"excerpt"` and `"aspects"`, a list of `{"term", "polarity"}` with, where the server has them, `"category"`,
/// `"opinion"`, `"text"` and `"span"`; or `{"id", "error": "..."}`.
enum AnalyzerDocuments {
    static let keywordsMax = 16
    static let keywordBytesMax = 64
    private static let messageBytesMax = 200

    static func request(_ reviews: ArraySlice<Review>) -> [UInt8] {
        JSONWriter.object(capacity: reviews.reduce(64) { $0 + $1.text.utf8.count + 64 }) { json in
            json.key("reviews")
            json.array { json in
                for review in reviews {
                    json.object { json in
                        json.key("id")
                        json.value(review.id)
                        json.key("text")
                        json.value(review.text)
                    }
                }
            }
        }
    }

    /// The readings of `reviews`, in their order. A review without a sound reading is its own failure.
    ///
    /// - Throws: `HTTPAnalyzerError` where the whole is not of the agreed form.
    static func readings(
        in body: [UInt8], of reviews: ArraySlice<Review>
    ) throws(HTTPAnalyzerError) -> [Result<EmotionReading, AnalyzerError>] {
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(body)) else {
            throw HTTPAnalyzerError(code: .badAnswer, message: "the answer is not an object with a list of readings")
        }
        var byID: [String: Reading] = [:]
        for case .some(let reading) in answer.readings.map(\.value) {
            guard byID.updateValue(reading, forKey: reading.id) == nil else {
                throw HTTPAnalyzerError(code: .badAnswer, message: "two readings of one review")
            }
        }
        return reviews.map { review in
            let reading =
                byID[review.id].map { $0.checked(review) } ?? .failure("no reading of it, or one of the wrong form")
            return reading.mapError { AnalyzerError(reviewID: review.id, message: String($0.prefix(messageBytesMax))) }
        }
    }

    private struct Answer: Decodable {
        let readings: [Lenient]
    }

    /// One entry that can't be read does not spoil the others.
    private struct Lenient: Decodable {
        let value: Reading?

        init(from decoder: any Decoder) throws {
            value = try? Reading(from: decoder)
        }
    }

    private struct Reading: Decodable {
        let id: String
        let error: String?
        let emotion: String?
        let scores: [String: Double]?
        let polarity: Double?
        let keywords: [String]?
        let excerpt: String?
        let aspects: [AspectEntry]?

        /// Letters and their accents in one: whichever form a server writes, a word is one word.
        static func composed(_ word: String) -> String { word.precomposedStringWithCanonicalMapping }

        func checked(_ review: Review) -> Result<EmotionReading, Problem> {
            if let error { return .failure(Problem(stringLiteral: error)) }
            var scores = EmotionScores()
            for emotion in Emotion.allCases {
                guard let score = self.scores?[emotion.rawValue], (0...1).contains(score) else {
                    return .failure("no score of 0...1 for \(emotion.rawValue)")
                }
                scores[emotion] = Fraction(score)
            }
            guard let polarity, (-1...1).contains(polarity) else { return .failure("no polarity of -1...1") }
            let filed = emotion.map { Emotion(rawValue: $0) } ?? scores.strongest
            guard let filed else { return .failure("an emotion that is none of the seven") }
            let keywords = (keywords ?? []).map(Self.composed)
            let isSound = keywords.allSatisfy { !$0.isEmpty && $0.utf8.count <= keywordBytesMax }
            guard keywords.count <= keywordsMax, isSound, Set(keywords).count == keywords.count else {
                return .failure("more than \(keywordsMax) keywords, or one twice, empty or too long")
            }
            let excerpt = excerpt ?? ""
            guard excerpt.utf8.count <= Excerpt.bytesMax else {
                return .failure("an excerpt of more than \(Excerpt.bytesMax) bytes")
            }
            guard (aspects?.count ?? 0) <= Aspect.countMax else {
                return .failure("more than \(Aspect.countMax) aspects")
            }
            var checked: [Aspect] = []
            for (index, aspect) in (aspects ?? []).enumerated() {
                switch aspect.checked(review) {
                case .success(let aspect): checked.append(aspect)
                case .failure(let problem): return .failure("aspects[\(index)]: \(problem.text)")
                }
            }
            return .success(
                EmotionReading(
                    emotion: filed, scores: scores, polarity: Fraction(polarity), keywords: keywords, excerpt: excerpt,
                    aspects: checked))
        }
    }

    private struct AspectEntry: Decodable {
        let term: String
        let polarity: Double
        let category: String?
        let opinion: String?
        let text: String?
        let span: [Int]?

        func checked(_ review: Review) -> Result<Aspect, Problem> {
            let term = Reading.composed(term)
            guard !term.isEmpty, term.utf8.count <= Aspect.termBytesMax else {
                return .failure("a term that is empty or longer than \(Aspect.termBytesMax) bytes")
            }
            guard (-1...1).contains(polarity) else { return .failure("no polarity of -1...1") }
            guard let category = AspectCategory(rawValue: category ?? "other") else {
                return .failure("a category that is none of the eight")
            }
            let (opinion, text) = (opinion ?? "", text ?? "")
            guard max(opinion.utf8.count, text.utf8.count) <= Aspect.textBytesMax else {
                return .failure("an opinion or a text of more than \(Aspect.textBytesMax) bytes")
            }
            let span = span ?? [0, 0]
            guard span.count == 2, 0 <= span[0], span[0] <= span[1], span[1] <= review.text.utf8.count else {
                return .failure("a span that is no stretch of the review's bytes")
            }
            return .success(
                Aspect(
                    term: term, opinion: opinion, polarity: Fraction(polarity), span: span[0]..<span[1], text: text,
                    category: category))
        }
    }

    private struct Problem: Error, ExpressibleByStringInterpolation {
        let text: String

        init(stringLiteral text: String) {
            // One line, whatever a server says.
            self.text = text.split(whereSeparator: \.isNewline).joined(separator: " ")
        }

        func prefix(_ length: Int) -> Substring { text.prefix(length) }
    }
}
