import AsyncHTTPClient
package import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
package import QuartetCore

/// A shop's backend: the HTTP API from a caller's side, without repeating anything by itself.
package struct Shop: Sendable {
    package let url: String
    package let key: String

    package init(url: String, key: String) {
        self.url = url
        self.key = key
    }

    package enum Method: String, Sendable {
        case get = "GET"
        case put = "PUT"
        case post = "POST"
        case delete = "DELETE"
    }

    package struct Answer: Sendable {
        package let status: Int
        package let body: Data
        fileprivate let headers: HTTPHeaders

        package func header(_ name: String) -> String? { headers[name].first }
        package var text: String { String(decoding: body, as: UTF8.self) }

        package func decoded<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value {
            do {
                return try JSONDecoder().decode(type, from: body)
            } catch {
                throw TestFailure("\(status) \(text): \(error)")
            }
        }
    }

    package struct Submitted: Decodable, Sendable {
        package let id: String
    }

    package struct Analysis: Decodable, Sendable {
        package struct Progress: Decodable, Sendable {
            package let done: Int
            package let total: Int
        }

        package struct Result: Decodable, Sendable {
            package let reviews: Int
            package let digest: String
        }

        package let id: String
        package let status: String
        package let failure: String?
        package let progress: Progress?
        package let result: Result?
    }

    /// - Throws: when there is no answer.
    package func call(
        _ method: Method, _ path: String, json: String? = nil, headers: [String: String] = [:],
        contentType: String = "application/json"
    ) async throws -> Answer {
        let response = try await HTTPClient.shared.execute(
            request(method, path, json: json, headers: headers, contentType: contentType), timeout: .seconds(60))
        let body = try await response.body.collect(upTo: 64 << 20)
        return Answer(status: Int(response.status.code), body: Data(buffer: body), headers: response.headers)
    }

    /// Creates a product with `count` reviews, most of them telling something.
    package func addProduct(_ id: String, reviews count: Int) async throws {
        guard let path = ProductID(id).map({ "/v1/products/\($0.pathPart)" }) else { throw TestFailure("bad id \(id)") }
        let product = try await call(.put, path)
        guard product.status == 200 else { throw TestFailure("product \(id): \(product.status)") }
        let lines = (0..<count).map { index in
            let text = Self.texts[index % Self.texts.count]
            return #"{"id": "r-\#(100_000 + index)", "text": "\#(text) (\#(index))", "rating": \#(1 + index % 10)}"#
        }
        for start in stride(from: 0, to: count, by: 1000) {
            let part = lines[start..<min(start + 1000, count)].joined(separator: "\n")
            let answer = try await call(
                .post, "\(path)/reviews", json: part, contentType: "application/x-ndjson")
            guard answer.status == 200 else { throw TestFailure("reviews of \(id): \(answer.status)") }
        }
    }

    package func submit(_ product: String, key: String? = nil) async throws -> Answer {
        try await call(
            .post, "/v1/analyses", json: #"{"product_id": "\#(product)"}"#,
            headers: key.map { ["Idempotency-Key": $0] } ?? [:])
    }

    /// Submits and returns the request's id; anything but 202 throws.
    package func submitted(_ product: String, key: String? = nil) async throws -> RequestID {
        let answer = try await submit(product, key: key)
        guard answer.status == 202, let id = RequestID(try answer.decoded(as: Submitted.self).id) else {
            throw TestFailure("submit of \(product): \(answer.status) \(answer.text)")
        }
        return id
    }

    package func analysis(_ id: RequestID) async throws -> Analysis {
        try await call(.get, "/v1/analyses/\(id)").decoded()
    }

    /// Waits until the request is closed.
    @discardableResult
    package func closed(_ id: RequestID, within timeout: Duration = patience) async throws -> Analysis {
        var last = "nothing"
        do {
            return try await eventually("the end of analysis \(id)", within: timeout) {
                let answer = try await call(.get, "/v1/analyses/\(id)")
                // A store may be away for a while; the caller comes back.
                if answer.status == 503 { return nil }
                let analysis = try answer.decoded(as: Analysis.self)
                last = "\(analysis.status) \(analysis.progress.map { "\($0.done)/\($0.total)" } ?? "")"
                return ["queued", "running"].contains(analysis.status) ? nil : analysis
            }
        } catch let failure as TestFailure {
            throw TestFailure("\(failure), last \(last)")
        }
    }

    func request(
        _ method: Method, _ path: String, json: String? = nil, headers: [String: String] = [:],
        contentType: String = "application/json"
    ) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: url + path)
        request.method = HTTPMethod(rawValue: method.rawValue)
        request.headers.add(name: "Authorization", value: "Bearer \(key)")
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let json {
            request.headers.add(name: "Content-Type", value: contentType)
            request.body = .bytes(ByteBuffer(string: json))
        }
        return request
    }

    private static let texts = [
        "정말 마음에 들어요. 너무 좋아요!", "I love it, works perfectly.", "배송이 너무 늦어서 화가 났어요.",
        "It broke after two days, what a disappointment.", "그냥 그래요.", "The colour is blue.",
        "냄새가 역겨워서 바로 버렸어요.", "I was scared when it caught fire!", "깜짝 놀랐어요, 기대 이상이에요.",
    ]
}
