import AsyncHTTPClient
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import QuartetCore

/// The HTTP API from a caller's side.
struct APIClient: Sendable {
    private static let answerBytesMax = 64 * 1024 * 1024
    private static let triesMax = 8
    /// A longer Retry-After is not obeyed.
    private static let retryAfterSecondsMax = 30

    let url: String
    private let key: String
    private let http: HTTPClient

    init(url: String, key: String, http: HTTPClient = .shared) throws {
        guard !key.isEmpty else {
            throw ClientError("no API key: set QUARTET_API_KEY, for example with `set -a; . DIR/stack.env; set +a`")
        }
        self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
        self.key = key
        self.http = http
    }

    func putProduct(_ id: String) async throws {
        _ = try await call(.PUT, "/v1/products/\(try Self.pathPart(id))", body: nil)
    }

    /// Sends reviews as NDJSON lines; returns how many were new.
    func addReviews(_ lines: ByteBuffer, to product: String) async throws -> AddedReviews {
        try await decode(
            call(
                .POST, "/v1/products/\(try Self.pathPart(product))/reviews", body: lines,
                contentType: "application/x-ndjson"))
    }

    /// A product's id as part of a path: one that is none must not become another path.
    private static func pathPart(_ product: String) throws -> String {
        guard let id = ProductID(product) else {
            throw ClientError("a product id is 1 to \(ProductID.lengthMax) characters of A-Z a-z 0-9 . _ : -")
        }
        return id.text
    }

    func submit(product: String, idempotencyKey: String) async throws -> SubmittedAnalysis {
        let body = try JSONEncoder().encode(["product_id": product])
        return try await decode(
            call(.POST, "/v1/analyses", body: ByteBuffer(data: body), headers: [("Idempotency-Key", idempotencyKey)]))
    }

    func analysis(_ id: String) async throws -> AnalysisAnswer {
        try await decode(call(.GET, "/v1/analyses/\(id)", body: nil))
    }

    /// The analysis as the API wrote it.
    func analysisJSON(_ id: String) async throws -> ByteBuffer {
        try await call(.GET, "/v1/analyses/\(id)", body: nil)
    }

    func products(after: String?) async throws -> ProductsAnswer {
        let query = after.map { "&after=\($0)" } ?? ""
        return try await decode(call(.GET, "/v1/products?limit=1000\(query)", body: nil))
    }

    /// Follows an analysis to its end, coming back after interruptions where it left off.
    func watch(_ id: String, _ body: (ServerEvent) async throws -> Void) async throws {
        var lastEventID: String?
        var failures = 0
        while true {
            var parser = ServerEventParser()
            do {
                let response = try await open("/v1/analyses/\(id)/events", lastEventID: lastEventID)
                for try await chunk in response.body {
                    for event in parser.feed(chunk) {
                        failures = 0
                        lastEventID = event.id ?? lastEventID
                        try await body(event)
                        if event.name == "end" { return }
                    }
                }
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                if let refusal = error as? ClientError, !refusal.isPassing { throw refusal }
                failures += 1
                if failures >= Self.triesMax { throw ClientError("\(url) does not answer: \(Self.reason(error))") }
            }
            try await Task.sleep(for: Self.pause(failures))
        }
    }

    private static func pause(_ failures: Int) -> Duration { .milliseconds(200 * (1 << min(failures, 5))) }

    private func open(_ path: String, lastEventID: String?) async throws -> HTTPClientResponse {
        var request = self.request(.GET, path)
        request.headers.add(name: "Accept", value: "text/event-stream")
        if let lastEventID { request.headers.add(name: "Last-Event-ID", value: lastEventID) }
        let response = try await http.execute(request, deadline: .distantFuture)
        guard response.status == .ok else { throw try await problem(in: response) }
        return response
    }

    private func request(_ method: HTTPMethod, _ path: String) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: url + path)
        request.method = method
        request.headers.add(name: "Authorization", value: "Bearer \(key)")
        return request
    }

    /// Calls, and calls again while the answer is 503 or there is none: every call here may be repeated.
    func call(
        _ method: HTTPMethod, _ path: String, body: ByteBuffer?, contentType: String = "application/json",
        headers: [(String, String)] = []
    ) async throws -> ByteBuffer {
        var request = self.request(method, path)
        if let body {
            request.headers.add(name: "Content-Type", value: contentType)
            request.body = .bytes(body)
        }
        request.headers.add(contentsOf: headers)
        for attempt in 0... {
            var pause = Self.pause(attempt)
            do {
                let response = try await http.execute(request, timeout: .seconds(60))
                if response.status.code < 300 { return try await response.body.collect(upTo: Self.answerBytesMax) }
                let refusal = try await problem(in: response)
                guard refusal.isPassing, attempt < Self.triesMax else { throw refusal }
                pause = max(pause, refusal.retryAfter)
            } catch let error as ClientError {
                throw error
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                guard attempt < Self.triesMax else {
                    throw ClientError("\(url) does not answer: \(Self.reason(error))")
                }
            }
            try await Task.sleep(for: pause)
        }
        preconditionFailure("the loop returns or throws")
    }

    private func problem(in response: HTTPClientResponse) async throws -> ClientError {
        let body = try await response.body.collect(upTo: 65_536)
        let problem = try? JSONDecoder().decode(ProblemAnswer.self, from: Data(buffer: body))
        let text =
            problem.map { "\($0.status) \($0.title): \($0.detail)" }
            ?? "\(response.status.code) \(response.status.reasonPhrase)"
        let seconds = response.headers.first(name: "Retry-After").flatMap { Int($0) } ?? 0
        return ClientError(
            text, isPassing: [.serviceUnavailable, .tooManyRequests].contains(response.status),
            retryAfter: .seconds(min(max(seconds, 0), Self.retryAfterSecondsMax)))
    }

    func decode<Answer: Decodable>(_ body: ByteBuffer) throws -> Answer {
        try JSONDecoder().decode(Answer.self, from: Data(buffer: body))
    }

    private static func reason(_ error: any Error) -> String {
        (error as? HTTPClientError)?.shortDescription ?? "\(error)"
    }
}

/// What a command could not do, for people.
struct ClientError: Error, CustomStringConvertible {
    let description: String
    /// The same may be answered otherwise in a while.
    let isPassing: Bool
    /// How long the server wants to be left alone first.
    let retryAfter: Duration

    init(_ description: String, isPassing: Bool = false, retryAfter: Duration = .zero) {
        self.description = description
        self.isPassing = isPassing
        self.retryAfter = retryAfter
    }
}
