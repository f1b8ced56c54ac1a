import Foundation
import HTTPTypes
import NIOCore
import QuartetCore

/// A body of reviews: a JSON array, or one JSON object a line (NDJSON).
struct ReviewsBody {
    let reviews: [Review]

    /// - Throws: a problem that names the first review which is wrong. Nothing of a body with a fault is used.
    init(_ body: ByteBuffer, isLines: Bool, limits: ReviewLimits) throws {
        let incoming = isLines ? try Self.lines(body, limits: limits) : try Self.elements(body)
        guard !incoming.isEmpty else {
            throw Problem(.unprocessableContent, "no-reviews", "the body has no review")
        }
        guard incoming.count <= limits.reviewsPerCallMax else { throw Self.tooMany(limits) }
        var seen = Set<String>()
        reviews = try incoming.map { place, review in
            let review = try review.checked(at: place, limits: limits)
            guard seen.insert(review.id).inserted else {
                throw Problem(.unprocessableContent, "repeated-id", "\(place)id: \(review.id) is there twice")
            }
            return review
        }
    }

    /// What an error says before the name of a field.
    private typealias Place = String

    private static func elements(_ body: ByteBuffer) throws -> [(Place, IncomingReview)] {
        try StrictJSON.decode([IncomingReview].self, from: body).enumerated().map { ("[\($0)].", $1) }
    }

    private static func tooMany(_ limits: ReviewLimits) -> Problem {
        Problem(
            .contentTooLarge, "too-many-reviews",
            "more reviews than the \(limits.reviewsPerCallMax) that are allowed in one call")
    }

    /// Line by line: a body of newlines alone has millions of them.
    private static func lines(_ body: ByteBuffer, limits: ReviewLimits) throws -> [(Place, IncomingReview)] {
        var reviews: [(Place, IncomingReview)] = []
        var (rest, number) = (body.readableBytesView[...], 0)
        while !rest.isEmpty {
            let line = rest.prefix { $0 != UInt8(ascii: "\n") }
            rest = rest[line.endIndex...].dropFirst()
            number += 1
            if line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }) { continue }
            guard reviews.count < limits.reviewsPerCallMax else { throw tooMany(limits) }
            let place = "line \(number): "
            do {
                reviews.append((place, try StrictJSON.decode(IncomingReview.self, from: ByteBuffer(bytes: line))))
            } catch let problem as Problem {
                throw Problem(problem.status, problem.kind, place + problem.detail)
            }
        }
        return reviews
    }
}

/// A review as it comes, not yet checked.
private struct IncomingReview: Decodable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case id, text, rating, date
    }

    private static let known = Set(CodingKeys.allCases.map(\.rawValue))

    let id: String
    let text: String
    let rating: Int?
    let date: String?

    init(from decoder: any Decoder) throws {
        try decoder.refuseFields(except: Self.known)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(String.self, forKey: .id)
        text = try container.decode(String.self, forKey: .text)
        rating = try container.decodeIfPresent(Int.self, forKey: .rating)
        date = try container.decodeIfPresent(String.self, forKey: .date)
    }

    func checked(at place: String, limits: ReviewLimits) throws -> Review {
        func refuse(_ kind: String, _ detail: String) -> Problem {
            Problem(.unprocessableContent, kind, place + detail)
        }
        guard (1...128).contains(id.utf8.count), !id.utf8.contains(0) else {
            throw refuse("bad-review-id", "id is 1 to 128 bytes")
        }
        // Strings that differ in this only are equal here, and two keys in the stores.
        guard id.utf8.allSatisfy({ $0 < 0x80 }) || id.utf8.elementsEqual(id.precomposedStringWithCanonicalMapping.utf8)
        else { throw refuse("bad-review-id", "id is not in Unicode's composed form (NFC)") }
        guard !text.isEmpty else { throw refuse("empty-review", "text is empty") }
        guard text.utf8.count <= limits.textBytesMax else {
            throw refuse("review-too-large", "text has \(text.utf8.count) bytes; \(limits.textBytesMax) are allowed")
        }
        if let rating, !(1...10).contains(rating) { throw refuse("bad-rating", "rating is 1 to 10") }
        if let date, date.utf8.count > 32 { throw refuse("bad-date", "date is at most 32 bytes") }
        return Review(id: id, text: text, rating: rating, date: date)
    }
}
