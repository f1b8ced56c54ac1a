import Mongo
import QuartetCore

/// An emotion card as an element of a segment:
///
///     {review_id, emotion, scores: {joy, sadness, ...}, polarity, keywords: [word], excerpt}
///
/// Scores and polarity are doubles, for whoever reads the collection by other means. Ten-thousandths survive it: the
/// nearest double of n / 10000 rounds back to n.
enum StoredCard {
    /// About what a card takes.
    static let usualBytes = 448

    static func write(_ card: EmotionCard, to document: inout BSONWriter) {
        let reading = card.reading
        document.append("review_id", card.reviewID)
        document.append("emotion", reading.emotion.rawValue)
        document.appendDocument("scores") { scores in
            scores.append("joy", reading.scores[.joy].value)
            scores.append("sadness", reading.scores[.sadness].value)
            scores.append("anger", reading.scores[.anger].value)
            scores.append("fear", reading.scores[.fear].value)
            scores.append("disgust", reading.scores[.disgust].value)
            scores.append("surprise", reading.scores[.surprise].value)
            scores.append("neutral", reading.scores[.neutral].value)
        }
        document.append("polarity", reading.polarity.value)
        document.appendArray("keywords") { keywords in
            for keyword in reading.keywords { keywords.append(keyword) }
        }
        document.append("excerpt", reading.excerpt)
    }

    /// - Parameter reader: before the first field.
    static func read(_ reader: BSONReader, _ requestID: RequestID, ordinal: Int) throws -> EmotionCard {
        var reviewID: String?
        var excerpt: String?
        var emotion: Emotion?
        var scores = EmotionScores()
        var polarity: Fraction?
        var keywords: [String] = []
        var reader = reader
        while try reader.next() {
            if reader.isKey("review_id") {
                reviewID = try reader.string()
            } else if reader.isKey("emotion") {
                emotion = Emotion(rawValue: try reader.string())
            } else if reader.isKey("scores") {
                scores = try readScores(reader.nested())
            } else if reader.isKey("polarity") {
                polarity = Fraction(try reader.double())
            } else if reader.isKey("keywords") {
                keywords = try readKeywords(reader.nested())
            } else if reader.isKey("excerpt") {
                excerpt = try reader.string()
            }
        }
        guard let reviewID else { throw BSONError(.missingKey, key: "review_id") }
        guard let emotion else { throw BSONError(.missingKey, key: "emotion") }
        guard let polarity else { throw BSONError(.missingKey, key: "polarity") }
        guard let excerpt else { throw BSONError(.missingKey, key: "excerpt") }
        let reading = EmotionReading(
            emotion: emotion, scores: scores, polarity: polarity, keywords: keywords, excerpt: excerpt)
        return EmotionCard(requestID: requestID, ordinal: ordinal, reviewID: reviewID, reading: reading)
    }

    private static func readKeywords(_ elements: BSONReader) throws -> [String] {
        var elements = elements
        var keywords: [String] = []
        while try elements.next() { keywords.append(try elements.string()) }
        return keywords
    }

    private static func readScores(_ elements: BSONReader) throws -> EmotionScores {
        var elements = elements
        var scores = EmotionScores()
        var place = 0
        while try elements.next() {
            // In the order in which they are written, unless somebody else wrote them.
            let isInOrder = place < scoreKeys.count && elements.isKey(scoreKeys[place].key)
            if let emotion = isInOrder ? scoreKeys[place].emotion : Emotion(rawValue: elements.key) {
                scores[emotion] = Fraction(try elements.double())
            }
            place += 1
        }
        return scores
    }

    private static let scoreKeys: [(key: StaticString, emotion: Emotion)] = [
        ("joy", .joy), ("sadness", .sadness), ("anger", .anger), ("fear", .fear), ("disgust", .disgust),
        ("surprise", .surprise), ("neutral", .neutral),
    ]
}
