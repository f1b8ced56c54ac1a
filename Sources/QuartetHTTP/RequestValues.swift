package import Foundation
package import Hummingbird
package import NIOCore
package import QuartetCore

extension APIContext {
    /// A part of the path, which the router leaves as it came.
    ///
    /// - Throws: a 400 problem for what is not UTF-8 behind its percent signs: taken as it stands it would be another name.
    package func pathPart(_ name: String) throws -> String {
        let text = parameters.get(name) ?? ""
        guard let part = text.removingPercentEncoding else {
            throw Problem(
                .badRequest, "bad-path", "\(text.prefix(64)) is not UTF-8 with percent signs as a URL has them")
        }
        return part
    }

    /// The product id in the path.
    package func productID() throws -> ProductID {
        let text = try pathPart("id")
        guard let id = ProductID(text) else { throw Problem.badProductID(text) }
        return id
    }

    /// The whole body, refused above `bytesMax`.
    package func body(of request: Request, atMost bytesMax: Int) async throws -> ByteBuffer {
        if let body { return body }
        guard let bodyReader else { return try await request.body.collect(upTo: bytesMax) }
        return try await bodyReader.read(request, atMost: bytesMax)
    }

    /// The request id in the path.
    package func requestID() throws -> QuartetCore.RequestID {
        let text = parameters.get("id") ?? ""
        guard let id = RequestID(text) else { throw Problem.badAnalysisID(text) }
        return id
    }
}

extension Problem {
    package static func badAnalysisID(_ text: String) -> Problem {
        Problem(.badRequest, "bad-analysis-id", "\(text.prefix(64)) is no analysis id, which is a UUID")
    }

    package static func badProductID(_ text: String) -> Problem {
        Problem(
            .badRequest, "bad-product-id",
            "\(text.prefix(64)) is no product id, which is \(ShopID.rule)")
    }

    package static func unknownProduct(_ id: ProductID) -> Problem {
        Problem(
            .notFound, "unknown-product",
            "there is no product \(id); create it with PUT /v1/products/\(id.pathPart)")
    }

    package static func unknownAnalysis(_ id: QuartetCore.RequestID) -> Problem {
        Problem(.notFound, "unknown-analysis", "there is no analysis \(id)")
    }
}

extension Request {
    /// An integer in the query, `fallback` where there is none.
    package func queryInteger(_ name: Substring, in range: ClosedRange<Int>, fallback: Int?) throws -> Int? {
        guard let text = uri.queryParameters[name] else { return fallback }
        guard let value = Int(text), range.contains(value) else {
            throw Problem(
                .badRequest, "bad-parameter",
                "\(name) is an integer of \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }
}

extension Date {
    /// RFC 3339 in UTC with milliseconds.
    package var rfc3339: String {
        // Years of four digits; a store may have others.
        min(max(self, Date(timeIntervalSince1970: -62_135_596_800)), Date(timeIntervalSince1970: 253_402_300_799))
            .formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }
}
