import Mongo
import QuartetCore

/// A segment of cards as a document:
///
///     {_id: {request_id, first}, request_id, cards: [card], created_at}
///
/// `first` is the ordinal of the first card, and each card's is its place behind it; a card's layout is ``StoredCard``'s.
/// The request's id is there a second time because a find through the view `emotion_cards` needs an index on a field that
/// the view keeps as it is.
enum StoredSegment {
    /// Beside its cards.
    private static let usualBytes = 128

    static func usualBytes(_ segment: CardSegment) -> Int {
        usualBytes + segment.cards.count * StoredCard.usualBytes
    }

    static func write(_ segment: CardSegment, createdAt: Int64, to document: inout BSONWriter) {
        document.appendDocument("_id") {
            $0.append("request_id", segment.requestID.uuid)
            $0.append("first", Int32(segment.first))
        }
        document.append("request_id", segment.requestID.uuid)
        document.appendArray("cards") { cards in
            for card in segment.cards { cards.appendDocument { StoredCard.write(card, to: &$0) } }
        }
        document.append("created_at", milliseconds: createdAt)
    }

    /// A document that has a request's key and is no segment comes as a damaged one.
    ///
    /// - Throws: `BSONError` where the key names no request.
    static func read(_ document: BSONDocument) throws -> CardSegment {
        let (id, first) = try key(document)
        guard let first else { return .damaged(id, first: -1) }
        do {
            let cards = try cards(document, id, first)
            return cards.isEmpty ? .damaged(id, first: first) : CardSegment(cards)
        } catch is BSONError {
            return .damaged(id, first: first)
        }
    }

    /// The key of a document; its ordinal is nil where it can't be one.
    static func key(_ document: BSONDocument) throws -> (id: RequestID, first: Int?) {
        var reader = BSONReader(document)
        while try reader.next() {
            guard reader.isKey("_id") else { continue }
            var id: RequestID?
            var first: Int?
            var key = try reader.nested()
            while try key.next() {
                if key.isKey("request_id") {
                    id = RequestID(try key.uuid())
                } else if key.isKey("first") {
                    first = try? key.int()
                }
            }
            guard let id else { break }
            return (id, first.flatMap { ordinals.contains($0) ? $0 : nil })
        }
        throw BSONError(.missingKey, key: "_id.request_id")
    }

    /// Ordinals of any manifest; behind them is room for a segment's length.
    private static let ordinals = 0...Int(Int32.max) / 2

    private static func cards(_ document: BSONDocument, _ id: RequestID, _ first: Int) throws -> [EmotionCard] {
        var cards: [EmotionCard] = []
        var reader = BSONReader(document)
        while try reader.next() {
            guard reader.isKey("cards") else { continue }
            var elements = try reader.nested()
            while try elements.next() {
                cards.append(try StoredCard.read(elements.nested(), id, ordinal: first + cards.count))
            }
        }
        return cards
    }

    // MARK: Keys

    static func key(_ id: RequestID, _ first: BSONValue) -> BSONValue {
        .document(["request_id": .uuid(id.uuid), "first": first])
    }

    static func key(_ segment: CardSegment) -> BSONValue {
        key(segment.requestID, .int32(Int32(clamping: segment.first)))
    }
}
