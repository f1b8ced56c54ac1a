import Foundation
import QuartetCore

/// A file of products and their reviews: a JSON object a line, plain or gzipped, `-` for standard input.
///
/// `{"productId": "...", "reviews": [{"id", "text", "rating" 1...10, "date"}, ...]}`
final class ReviewFile {
    /// One line. Reviews stay as they came: whether they are good is for the API to say, one by one.
    struct Product: Sendable {
        let line: Int
        let id: String
        let reviews: [[UInt8]]
    }

    /// A line that is no product.
    struct BadLine: Error, CustomStringConvertible {
        let line: Int
        let reason: String
        let text: String

        var description: String { "line \(line): \(reason)" }
    }

    private let lines: LineFile

    var path: String { lines.path }
    /// How much of the file has been read, 0...1; nil where its length is not known.
    var partRead: Double? { lines.partRead }

    init(path: String) throws {
        lines = try LineFile(path: path)
    }

    /// The ids of all products that are left, each once. Lines that are none are left out, as `ingest` leaves them out.
    func productIDs() throws -> [String] {
        var seen: Set<String> = []
        var ids: [String] = []
        while let product = try next() {
            guard case .success(let product) = product, ProductID(product.id) != nil else { continue }
            if seen.insert(product.id).inserted { ids.append(product.id) }
        }
        return ids
    }

    /// The next product, or what is wrong with its line; nil at the end.
    func next() throws -> Result<Product, BadLine>? {
        while let line = try lines.next() {
            let bytes = Array(line)
            if bytes.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }) { continue }
            do {
                return .success(try product(in: bytes))
            } catch let problem as Misfit {
                let text = String(decoding: bytes, as: UTF8.self)
                return .failure(BadLine(line: lines.number, reason: problem.reason, text: text))
            }
        }
        return nil
    }

    private struct Misfit: Error {
        let reason: String
    }

    private func product(in line: [UInt8]) throws -> Product {
        var id: String?
        var reviews: [[UInt8]]?
        do {
            var members = try JSONParts.object(line)
            while let (key, value) = try members.nextMember() {
                switch try? JSONDecoder().decode(String.self, from: Data(key)) {
                case "productId": id = try Self.id(value)
                case "reviews":
                    var elements = try JSONParts.array(Array(value))
                    var all: [[UInt8]] = []
                    while let element = try elements.next() { all.append(Array(element)) }
                    reviews = all
                default: break
                }
            }
        } catch is JSONParts.Failure {
            throw Misfit(reason: "not a JSON object of a product and its reviews")
        }
        guard let id else { throw Misfit(reason: "productId is missing") }
        guard let reviews else { throw Misfit(reason: "reviews is missing") }
        return Product(line: lines.number, id: id, reviews: reviews)
    }

    /// A text, or a number as it stands there.
    private static func id(_ value: ArraySlice<UInt8>) throws -> String {
        if let text = try? JSONDecoder().decode(String.self, from: Data(value)) { return text }
        guard value.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == 0x20 }) else {
            throw Misfit(reason: "productId is not a string")
        }
        return String(decoding: value.filter { $0 != 0x20 }, as: UTF8.self)
    }
}
