import Mongo
import QuartetCore

/// An emotion card as an element of a segment:
///
///     {review_id, emotion, scores: {joy, sadness, ...}, polarity, keywords: [word], excerpt,
///      aspects: [{term, category, opinion, polarity, span: [from, to], text}], month}
///
/// `aspects` and `month` are left out where there are none.
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
        if !reading.aspects.isEmpty {
            document.appendArray("aspects") { aspects in
                for aspect in reading.aspects { aspects.appendDocument { write(aspect, to: &$0) } }
            }
        }
        if let month = card.month { document.append("month", month.description) }
    }

    private static func write(_ aspect: Aspect, to document: inout BSONWriter) {
        document.append("term", aspect.term)
        document.append("category", aspect.category.rawValue)
        document.append("opinion", aspect.opinion)
        document.append("polarity", aspect.polarity.value)
        document.appendArray("span") { span in
            span.append(Int32(clamping: aspect.span.lowerBound))
            span.append(Int32(clamping: aspect.span.upperBound))
        }
        document.append("text", aspect.text)
    }

    /// - Parameter reader: before the first field.
    static func read(_ reader: BSONReader, _ requestID: RequestID, ordinal: Int) throws -> EmotionCard {
        var reviewID: String?
        var excerpt: String?
        var emotion: Emotion?
        var scores = EmotionScores()
        var polarity: Fraction?
        var keywords: [String] = []
        var aspects: [Aspect] = []
        var month: ReviewMonth?
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
            } else if reader.isKey("aspects") {
                aspects = try readAspects(reader.nested())
            } else if reader.isKey("month") {
                month = ReviewMonth(date: try reader.string())
            }
        }
        guard let reviewID else { throw BSONError(.missingKey, key: "review_id") }
        guard let emotion else { throw BSONError(.missingKey, key: "emotion") }
        guard let polarity else { throw BSONError(.missingKey, key: "polarity") }
        guard let excerpt else { throw BSONError(.missingKey, key: "excerpt") }
        let reading = EmotionReading(
            emotion: emotion, scores: scores, polarity: polarity, keywords: keywords, excerpt: excerpt,
            aspects: aspects)
        return EmotionCard(requestID: requestID, ordinal: ordinal, reviewID: reviewID, month: month, reading: reading)
    }

    private static func readAspects(_ elements: BSONReader) throws -> [Aspect] {
        var elements = elements
        var aspects: [Aspect] = []
        while try elements.next() { aspects.append(try readAspect(elements.nested())) }
        return aspects
    }

    private static func readAspect(_ reader: BSONReader) throws -> Aspect {
        var reader = reader
        var (term, opinion, text) = ("", "", "")
        var polarity = Fraction(0)
        var category: AspectCategory?
        var span: [Int] = []
        while try reader.next() {
            if reader.isKey("term") {
                term = try reader.string()
            } else if reader.isKey("category") {
                category = AspectCategory(rawValue: try reader.string())
            } else if reader.isKey("opinion") {
                opinion = try reader.string()
            } else if reader.isKey("polarity") {
                polarity = Fraction(try reader.double())
            } else if reader.isKey("span") {
                var bounds = try reader.nested()
                while try bounds.next() { span.append(try bounds.int()) }
            } else if reader.isKey("text") {
                text = try reader.string()
            }
        }
        guard !term.isEmpty, let category else { throw BSONError(.missingKey, key: "aspects.term") }
        guard span.count == 2, 0 <= span[0], span[0] <= span[1] else {
            throw BSONError(.malformed, key: "aspects.span")
        }
        return Aspect(
            term: term, opinion: opinion, polarity: polarity, span: span[0]..<span[1], text: text, category: category)
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
