import HTTPTypes
import NIOCore
import QuartetCore
import QuartetHTTP

/// A body of reviews: a JSON array, or one JSON object a line (NDJSON).
struct ReviewsBody {
    /// A review that was left out, and why.
    struct Rejected {
        /// From 0, or of a line from 1.
        let number: Int
        let problem: Problem
    }

    private let isLines: Bool
    private let isLenient: Bool
    private let limits: ReviewLimits
    private var ids: Set<String> = []

    /// Each id once: the first write under an id wins, in one call too.
    private(set) var reviews: [Review] = []
    private(set) var rejected: [Rejected] = []
    /// How many there were, those that were left out not among them.
    private(set) var received = 0

    /// Reads one review after the other, and stops at the first that is too many.
    ///
    /// - Parameter isLenient: whether what is wrong is left out instead of refused with all the rest.
    /// - Throws: a problem that names the first review which is wrong. Nothing of a body with a fault is used.
    init(_ body: ByteBuffer, isLines: Bool, isLenient: Bool = false, limits: ReviewLimits) throws {
        self.isLines = isLines
        self.isLenient = isLenient
        self.limits = limits
        if isLines { try readLines(body) } else { try readElements(body) }
        guard received + rejected.count > 0 else {
            throw Problem(.unprocessableContent, "no-reviews", "the body has no review")
        }
    }

    private mutating func readElements(_ body: ByteBuffer) throws {
        let notJSON = Problem(.badRequest, "not-json", "the body is not JSON in UTF-8")
        do {
            var parts = try JSONParts.array(Array(body.readableBytesView))
            var index = 0
            while let part = try parts.next() {
                try take(ByteBuffer(bytes: part), number: index, at: .element(index))
                index += 1
            }
        } catch JSONParts.Failure.otherKind {
            // Something else, or nothing that could be read.
            _ = try StrictJSON.decode([AnyJSON].self, from: body)
            throw notJSON
        } catch is JSONParts.Failure {
            throw notJSON
        }
    }

    /// Line by line: a body of newlines alone has millions of them.
    private mutating func readLines(_ body: ByteBuffer) throws {
        var (rest, number) = (body.readableBytesView[...], 0)
        while !rest.isEmpty {
            let line = rest.prefix { $0 != UInt8(ascii: "\n") }
            rest = rest[line.endIndex...].dropFirst()
            number += 1
            if line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }) { continue }
            try take(ByteBuffer(line), number: number, at: .line(number))
        }
    }

    private mutating func take(_ bytes: ByteBuffer, number: Int, at place: JSONPlace) throws {
        guard received + rejected.count < limits.reviewsPerCallMax else {
            throw Problem(
                .contentTooLarge, "too-many-reviews",
                "more reviews than the \(limits.reviewsPerCallMax) that are allowed in one call")
        }
        do {
            let most = IncomingReview.bytesMax(limits)
            guard bytes.readableBytes <= most else {
                throw Problem(
                    .unprocessableContent, "review-too-large",
                    "\(place.itself) has \(bytes.readableBytes) bytes; no review has more than \(most)")
            }
            let review = try StrictJSON.decode(IncomingReview.self, from: bytes, at: place)
                .checked(at: place, limits: limits)
            received += 1
            if ids.insert(review.id).inserted { reviews.append(review) }
        } catch let problem as Problem where isLenient {
            rejected.append(Rejected(number: number, problem: problem))
        }
    }
}

/// Any JSON value, of which only its kind is wanted.
private struct AnyJSON: Decodable {
    init(from decoder: any Decoder) throws {}
}
