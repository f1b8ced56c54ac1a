/// Consecutive cards of one request, stored together: a link of the request's chain.
///
/// **The chain.** A segment is keyed by its request and its first ordinal; the first write of a key wins as a whole. A
/// writer inserts a segment only where what it has read or written ends: at ordinal 0, or right behind a segment that is
/// stored, and no further than to the next one that is. So whoever crashes, tries again or comes late, a request's
/// segments follow one another without gap or overlap: two writers who have read the same chain want the same key.
/// Afterwards only two things happen to a segment: its cards are replaced by as many others where they are of reviews
/// that the request's manifest does not have, and what lies behind the manifest's end is cut off.
///
/// Somebody who removes a segment by hand makes a gap, which is filled when the analysis runs again. Should a writer who
/// read the chain before then come late, its segment may reach into the next one. So an ordinal's card is that of the
/// segment which begins last at or before it: a late write fills a gap and changes nothing that is there.
package struct CardSegment: Hashable, Sendable {
    package static let cardsMax = 200
    /// A segment of several cards is to take no more than this, in bytes.
    package static let bytesAim = 64 * 1024

    package let requestID: RequestID
    /// The ordinal of the first card; not negative unless the segment is damaged.
    package let first: Int
    /// None where the stored segment can't be read.
    package private(set) var cards: [EmotionCard]

    /// - Parameter cards: at least one, of one request, with consecutive ordinals.
    package init(_ cards: [EmotionCard]) {
        guard let card = cards.first else { preconditionFailure("a segment has cards") }
        precondition(
            cards.indices.allSatisfy {
                cards[$0].requestID == card.requestID && cards[$0].ordinal == card.ordinal + $0
            },
            "a segment's cards are of one request and follow one another")
        self.init(requestID: card.requestID, first: card.ordinal, cards: cards)
    }

    /// One that is stored and can't be read.
    package static func damaged(_ requestID: RequestID, first: Int) -> CardSegment {
        CardSegment(requestID: requestID, first: first, cards: [])
    }

    private init(requestID: RequestID, first: Int, cards: [EmotionCard]) {
        (self.requestID, self.first, self.cards) = (requestID, first, cards)
    }

    package var isDamaged: Bool { cards.isEmpty }

    /// The ordinal behind the last card.
    package var end: Int { first + cards.count }

    /// Whether all cards are of the reviews that the session's manifest has in their places.
    package func fits(_ session: AnalysisSession) -> Bool { !isDamaged && cards.allSatisfy(session.fits) }
}

extension CardSegment {
    /// How many of `cards`, which follow one another, the next segment takes: at least one unless there are none.
    package static func length(of cards: ArraySlice<EmotionCard>) -> Int {
        var (count, bytes) = (0, 0)
        for card in cards.prefix(cardsMax) {
            bytes += card.byteEstimate
            if count > 0, bytes > bytesAim { break }
            count += 1
        }
        return count
    }

    /// Segments of cards that are in the order of their keys and all stored at once by nobody else: as long as they may be,
    /// a new one at each gap and each request.
    package static func runs(of cards: some Sequence<EmotionCard>) -> [CardSegment] {
        var segments: [CardSegment] = []
        var run: [EmotionCard] = []
        func end() {
            var rest = run[...]
            while !rest.isEmpty {
                let part = rest.prefix(length(of: rest))
                segments.append(CardSegment(Array(part)))
                rest = rest[part.endIndex...]
            }
            run = []
        }
        for card in cards {
            if let last = run.last, last.requestID != card.requestID || last.ordinal + 1 != card.ordinal { end() }
            run.append(card)
        }
        end()
        return segments
    }

    /// Segments in the order of their keys, each only as far as to where the next one of its request begins.
    package static func cut(_ segments: [CardSegment]) -> [CardSegment] {
        var cut = segments
        for index in cut.indices.dropLast() {
            let next = cut[index + 1]
            guard next.requestID == cut[index].requestID, (cut[index].first..<cut[index].end).contains(next.first)
            else {
                continue
            }
            cut[index].cards.removeLast(cut[index].end - next.first)
        }
        return cut
    }
}

extension EmotionCard {
    /// About what the card takes in a stored document.
    private static let fixedBytes = 256

    fileprivate var byteEstimate: Int {
        Self.fixedBytes + reviewID.utf8.count + reading.excerpt.utf8.count
            + reading.keywords.reduce(0) { $0 + 8 + $1.utf8.count }
            + reading.aspects.reduce(0) {
                $0 + 120 + $1.term.utf8.count + $1.opinion.utf8.count + $1.text.utf8.count
            }
    }
}
