import Foundation
import HTTPTypes
import QuartetCore
import QuartetHTTP

/// A review as it comes, not yet checked.
struct IncomingReview: Decodable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case id, text, rating, date
    }

    private static let known = Set(CodingKeys.allCases.map(\.rawValue))

    let id: String
    private let text: String
    private let rating: Double?
    private let date: String?

    init(from decoder: any Decoder) throws {
        try decoder.refuseFields(except: Self.known)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.text(.id)
        text = try container.decode(String.self, forKey: .text)
        rating = try container.contains(.rating) ? container.number(.rating) : nil
        date = try container.contains(.date) && !container.decodeNil(forKey: .date) ? container.text(.date) : nil
    }

    /// - Throws: a problem that names the field which is wrong, at `place`.
    func checked(at place: JSONPlace, limits: ReviewLimits) throws -> Review {
        func refuse(_ kind: String, _ field: String, _ detail: String) -> Problem {
            Problem(.unprocessableContent, kind, "\(place.field(field)) \(detail)")
        }
        guard ShopID.isValid(id) else { throw refuse("bad-review-id", "id", "is not \(ShopID.rule)") }
        guard !text.isEmpty else { throw refuse("empty-review", "text", "is empty") }
        guard text.utf8.count <= limits.textBytesMax else {
            throw refuse(
                "review-too-large", "text", "has \(text.utf8.count) bytes; \(limits.textBytesMax) are allowed")
        }
        if let rating, !(1...10).contains(rating) || (rating * 2).rounded() != rating * 2 {
            throw refuse("bad-rating", "rating", "is 1 to 10, in halves")
        }
        if let date, date.utf8.count > ReviewLimits.dateBytesMax {
            throw refuse("bad-date", "date", "is at most \(ReviewLimits.dateBytesMax) bytes")
        }
        return Review(id: id, text: text, rating: rating, date: date)
    }

    /// The most bytes that a review can come in: each byte of a text may be written as six, and there is room for the rest.
    static func bytesMax(_ limits: ReviewLimits) -> Int { 6 * limits.textBytesMax + 4_096 }
}

extension KeyedDecodingContainer {
    /// A text, or a whole number as text: shops write ids and dates either way.
    fileprivate func text(_ key: Key) throws -> String {
        do {
            return try decode(String.self, forKey: key)
        } catch DecodingError.typeMismatch(_, let context) {
            if let number = try? decode(Int64.self, forKey: key) { return String(number) }
            if let number = try? decode(UInt64.self, forKey: key) { return String(number) }
            throw DecodingError.typeMismatch(String.self, context)
        }
    }

    /// Nil for null. What is no number here is so elsewhere: 1e999 is JSON.
    fileprivate func number(_ key: Key) throws -> Double? {
        do {
            return try decodeIfPresent(Double.self, forKey: key)
        } catch DecodingError.typeMismatch(_, let context) {
            throw DecodingError.typeMismatch(Double.self, context)
        } catch {
            throw DecodingError.dataCorrupted(
                .init(codingPath: codingPath + [key], debugDescription: "the number is out of range"))
        }
    }
}
