import AsyncHTTPClient
import ClientSupport
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import QuartetCore
import QuartetService

/// The HTTP API from a caller's side.
struct APIClient: Sendable {
    /// Fails at once where it can't connect: patience is this client's. It lives as long as the process.
    private static let impatient: HTTPClient = {
        var configuration = HTTPClient.Configuration.singletonConfiguration
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()
    private static let answerBytesMax = 64 * 1024 * 1024
    private static let backoff = Backoff(base: .milliseconds(200), max: .seconds(5))
    /// Said by a service, or by a proxy before it, that can't answer now.
    private static let passingStatuses: Set<UInt> = [408, 425, 429, 502, 503, 504]
    /// A longer Retry-After is not obeyed.
    private static let retryAfterSecondsMax = 30

    let url: String
    private let key: String
    private let patience: Duration
    private let http: HTTPClient

    /// - Parameter patience: how long what may pass is waited out, each time anew.
    init(url: String, key: String, patience: Duration, http: HTTPClient = Self.impatient) throws {
        guard let parts = URL(string: url), ["http", "https"].contains(parts.scheme?.lowercased()),
            parts.host()?.isEmpty == false
        else { throw ClientError("quartet.api.url: '\(url)' is not an http:// or https:// URL") }
        guard !key.isEmpty else {
            throw ClientError("no API key: set QUARTET_API_KEY, for example with `set -a; . DIR/stack.env; set +a`")
        }
        self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
        self.key = key
        self.patience = patience
        self.http = http
    }

    func putProduct(_ id: String) async throws {
        _ = try await call(.PUT, "/v1/products/\(try Self.pathPart(id))", body: nil)
    }

    /// Sends reviews as NDJSON lines; returns how many were new, and which were left out.
    func addReviews(_ lines: ByteBuffer, to product: String) async throws -> AddedReviews {
        try await decode(
            call(
                .POST, "/v1/products/\(try Self.pathPart(product))/reviews", body: lines,
                contentType: "application/x-ndjson", headers: [("Prefer", "handling=lenient")]))
    }

    /// A product's id as part of a path: one that is none must not become another path.
    private static func pathPart(_ product: String) throws -> String {
        guard let id = ProductID(product) else {
            throw ClientError("a product id is \(ShopID.rule)", status: 400)
        }
        return id.pathPart
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
        let query = after.map { "&after=\(ProductID(stored: $0).pathPart)" } ?? ""
        return try await decode(call(.GET, "/v1/products?limit=1000\(query)", body: nil))
    }

    /// Follows an analysis to its end, coming back after interruptions where it left off.
    func watch(_ id: String, _ body: (ServerEvent) async throws -> Void) async throws {
        var lastEventID: String?
        var isOver = false
        while !isOver {
            try await patiently {
                var parser = ServerEventParser()
                let response = try await open("/v1/analyses/\(id)/events", lastEventID: lastEventID)
                for try await chunk in response.body {
                    for event in parser.feed(chunk) {
                        lastEventID = event.id ?? lastEventID
                        try await body(event)
                        isOver = isOver || event.name == "end"
                    }
                    if isOver { return }
                }
            }
        }
    }

    /// Tries until there is an answer, while what it fails by may pass and patience lasts.
    private func patiently<Answer>(_ attempt: () async throws -> Answer) async throws -> Answer {
        let end = ContinuousClock.now.advanced(by: patience)
        var number = 0
        while true {
            let failure: ClientError
            do {
                return try await attempt()
            } catch let error as ClientError {
                failure = error
            } catch is CancellationError {
                throw CancellationError()
            } catch let error as HTTPClientError {
                failure = ClientError("\(url) does not answer: \(error.shortDescription)", isPassing: true)
            } catch {
                failure = ClientError("\(url) does not answer: \(error)", isPassing: true)
            }
            guard failure.isPassing else { throw failure }
            let next = ContinuousClock.now.advanced(by: max(Self.backoff.delay(attempt: number), failure.retryAfter))
            guard next < end else {
                throw ClientError("\(failure) (waited for up to \(patience.setting); --patience says how long)")
            }
            try await ContinuousClock().sleep(until: next)
            number += 1
        }
    }

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

    /// Calls, and calls again while there is no answer or one that passes: every call here may be repeated.
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
        let call = request
        return try await patiently {
            let response = try await http.execute(call, timeout: .seconds(60))
            guard response.status.code < 300 else { throw try await problem(in: response) }
            return try await response.body.collect(upTo: Self.answerBytesMax)
        }
    }

    private func problem(in response: HTTPClientResponse) async throws -> ClientError {
        let body = try await response.body.collect(upTo: 65_536)
        let problem = try? JSONDecoder().decode(ProblemAnswer.self, from: Data(buffer: body))
        let text =
            problem.map { "\($0.status) \($0.title): \($0.detail)" }
            ?? "\(response.status.code) \(response.status.reasonPhrase)"
        let seconds = response.headers.first(name: "Retry-After").flatMap { Int($0) } ?? 0
        return ClientError(
            text, status: response.status.code, isPassing: Self.passingStatuses.contains(response.status.code),
            retryAfter: .seconds(min(max(seconds, 0), Self.retryAfterSecondsMax)))
    }

    func decode<Answer: Decodable>(_ body: ByteBuffer) throws -> Answer {
        try JSONDecoder().decode(Answer.self, from: Data(buffer: body))
    }
}

/// What a command could not do, for people.
struct ClientError: Error, CustomStringConvertible {
    let description: String
    /// The answer's, where there was one.
    let status: UInt?
    /// The same may be answered otherwise in a while.
    let isPassing: Bool
    /// How long the server wants to be left alone first.
    let retryAfter: Duration

    /// What was sent is to blame, and other data may fare better.
    var isAboutTheData: Bool { status.map { [400, 404, 409, 413, 415, 422].contains($0) } ?? false }

    init(_ description: String, status: UInt? = nil, isPassing: Bool = false, retryAfter: Duration = .zero) {
        self.description = description
        self.status = status
        self.isPassing = isPassing
        self.retryAfter = retryAfter
    }
}
