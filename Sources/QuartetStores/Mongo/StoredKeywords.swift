import Foundation
import Mongo
import QuartetCore

/// Keyword details as a document:
///
///     {_id: request, product_id, analyzer: {name, version}, reviews, digest,
///      keywords: [{term, count, positive, negative, polarity, best: [ordinal], worst: [ordinal]}],
///      aspects: [{term, category, count, positive, negative, polarity, praise: {text, cards: [ordinal]}, complaint: ...}]}
///
/// Nothing in it depends on when it was written.
enum StoredKeywords {
    static func write(_ details: KeywordDetails, to document: inout BSONWriter) {
        document.append("_id", details.requestID.uuid)
        document.append("product_id", details.productID.text)
        document.appendDocument("analyzer") {
            $0.append("name", details.analyzer.name)
            $0.append("version", details.analyzer.version)
        }
        document.append("reviews", details.cardCount)
        document.append("digest", details.digest.description)
        document.appendArray("keywords") { array in
            for keyword in details.keywords {
                array.appendDocument { Self.write(keyword, to: &$0) }
            }
        }
        guard !details.aspects.isEmpty else { return }
        document.appendArray("aspects") { array in
            for aspect in details.aspects { array.appendDocument { Self.write(aspect, to: &$0) } }
        }
    }

    private static func write(_ aspect: AspectSummary, to document: inout BSONWriter) {
        document.append("term", aspect.term)
        document.append("category", aspect.category.rawValue)
        document.append("count", Int32(clamping: aspect.count))
        document.append("positive", Int32(clamping: aspect.positive))
        document.append("negative", Int32(clamping: aspect.negative))
        document.append("polarity", aspect.polarity.value)
        if let praise = aspect.praise { document.appendDocument("praise") { write(praise, to: &$0) } }
        if let complaint = aspect.complaint { document.appendDocument("complaint") { write(complaint, to: &$0) } }
    }

    private static func write(_ voice: AspectSummary.Voice, to document: inout BSONWriter) {
        document.append("text", voice.text)
        write("cards", voice.cards, to: &document)
    }

    private static func write(_ key: StaticString, _ ordinals: FewOrdinals, to document: inout BSONWriter) {
        document.appendArray(key) { array in
            for place in 0..<ordinals.count { array.append(Int32(ordinals[place])) }
        }
    }

    private static func write(_ keyword: KeywordDetails.Keyword, to document: inout BSONWriter) {
        document.append("term", keyword.term)
        document.append("count", Int32(clamping: keyword.count))
        document.append("positive", Int32(clamping: keyword.positive))
        document.append("negative", Int32(clamping: keyword.negative))
        document.append("polarity", keyword.polarity.value)
        write("best", keyword.best, to: &document)
        write("worst", keyword.worst, to: &document)
    }

    /// Details that can't be read are told from those that are not there.
    ///
    /// - Throws: `BSONError` if the key is no request's.
    static func readAny(_ document: BSONDocument) throws -> KeywordDetails {
        do {
            return try read(document)
        } catch {
            guard let unreadable = KeywordDetails.unreadable(RequestID(try document.decode("_id"))) else { throw error }
            return unreadable
        }
    }

    static func read(_ document: BSONDocument) throws -> KeywordDetails {
        var requestID: RequestID?
        var productID: ProductID?
        var (analyzerName, analyzerVersion) = ("", "")
        var cardCount: Int?
        var digest: CardDigest?
        var keywords: [KeywordDetails.Keyword]?
        var aspects: [AspectSummary] = []
        var reader = BSONReader(document)
        while try reader.next() {
            if reader.isKey("_id") {
                requestID = RequestID(try reader.uuid())
            } else if reader.isKey("product_id") {
                productID = ProductID(try reader.string())
            } else if reader.isKey("analyzer") {
                var analyzer = try reader.nested()
                while try analyzer.next() {
                    if analyzer.isKey("name") {
                        analyzerName = try analyzer.string()
                    } else if analyzer.isKey("version") {
                        analyzerVersion = try analyzer.string()
                    }
                }
            } else if reader.isKey("reviews") {
                cardCount = try reader.int()
            } else if reader.isKey("digest") {
                digest = try readDigest(reader.string())
            } else if reader.isKey("keywords") {
                keywords = try readKeywords(reader.nested())
            } else if reader.isKey("aspects") {
                var array = try reader.nested()
                while try array.next() { aspects.append(try readAspect(array.nested())) }
            }
        }
        guard let requestID else { throw BSONError(.missingKey, key: "_id") }
        guard let productID else { throw BSONError(.malformed, key: "product_id") }
        guard let cardCount, cardCount >= 0 else { throw BSONError(.missingKey, key: "reviews") }
        guard let digest else { throw BSONError(.missingKey, key: "digest") }
        guard let keywords else { throw BSONError(.missingKey, key: "keywords") }
        return KeywordDetails(
            requestID: requestID, productID: productID,
            analyzer: AnalyzerIdentity(name: analyzerName, version: analyzerVersion), cardCount: cardCount,
            digest: digest, keywords: keywords, aspects: aspects)
    }

    private static func readAspect(_ reader: consuming BSONReader) throws -> AspectSummary {
        var (term, category) = ("", AspectCategory?.none)
        var (count, positive, negative) = (0, 0, 0)
        var polarity = Fraction(0)
        var (praise, complaint): (AspectSummary.Voice?, AspectSummary.Voice?) = (nil, nil)
        while try reader.next() {
            if reader.isKey("term") {
                term = try reader.string()
            } else if reader.isKey("category") {
                category = AspectCategory(rawValue: try reader.string())
            } else if reader.isKey("count") {
                count = try reader.int()
            } else if reader.isKey("positive") {
                positive = try reader.int()
            } else if reader.isKey("negative") {
                negative = try reader.int()
            } else if reader.isKey("polarity") {
                polarity = Fraction(try reader.double())
            } else if reader.isKey("praise") {
                praise = try readVoice(reader.nested())
            } else if reader.isKey("complaint") {
                complaint = try readVoice(reader.nested())
            }
        }
        guard let category else { throw BSONError(.malformed, key: "aspects.category") }
        return AspectSummary(
            term: term, category: category, count: count, positive: positive, negative: negative, polarity: polarity,
            praise: praise, complaint: complaint)
    }

    private static func readVoice(_ reader: consuming BSONReader) throws -> AspectSummary.Voice {
        var (text, cards) = ("", FewOrdinals())
        while try reader.next() {
            if reader.isKey("text") {
                text = try reader.string()
            } else if reader.isKey("cards") {
                cards = try readOrdinals(reader.nested())
            }
        }
        return AspectSummary.Voice(text: text, cards: cards)
    }

    private static func readKeywords(_ array: consuming BSONReader) throws -> [KeywordDetails.Keyword] {
        var keywords: [KeywordDetails.Keyword] = []
        while try array.next() {
            var term: String?
            var (count, positive, negative) = (0, 0, 0)
            var polarity = Fraction(0)
            var (best, worst) = (FewOrdinals(), FewOrdinals())
            var reader = try array.nested()
            while try reader.next() {
                if reader.isKey("term") {
                    term = try reader.string()
                } else if reader.isKey("count") {
                    count = try reader.int()
                } else if reader.isKey("positive") {
                    positive = try reader.int()
                } else if reader.isKey("negative") {
                    negative = try reader.int()
                } else if reader.isKey("polarity") {
                    polarity = Fraction(try reader.double())
                } else if reader.isKey("best") {
                    best = try readOrdinals(reader.nested())
                } else if reader.isKey("worst") {
                    worst = try readOrdinals(reader.nested())
                }
            }
            guard let term else { throw BSONError(.missingKey, key: "term") }
            keywords.append(
                KeywordDetails.Keyword(
                    term: term, count: count, positive: positive, negative: negative, polarity: polarity, best: best,
                    worst: worst))
        }
        return keywords
    }

    private static func readOrdinals(_ array: consuming BSONReader) throws -> FewOrdinals {
        var ordinals = FewOrdinals()
        while try array.next() {
            guard ordinals.count < FewOrdinals.countMax, let ordinal = Int32(exactly: try array.int()) else {
                throw BSONError(.malformed, key: "ordinals")
            }
            ordinals.append(Int(ordinal))
        }
        return ordinals
    }

    /// 32 hexadecimal digits.
    private static func readDigest(_ text: String) throws -> CardDigest {
        guard text.utf8.count == 32, let high = UInt64(text.prefix(16), radix: 16),
            let low = UInt64(text.suffix(16), radix: 16)
        else { throw BSONError(.malformed, key: "digest") }
        return CardDigest(high: high, low: low)
    }
}
