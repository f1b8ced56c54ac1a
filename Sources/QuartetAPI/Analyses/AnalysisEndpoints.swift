import ClientSupport
import Foundation
import HTTPTypes
import Hummingbird
import QuartetCore
import QuartetHTTP

/// `POST /v1/analyses`, `GET /v1/analyses/{id}`, its cards and its keywords.
struct AnalysisEndpoints: Sendable {
    let ports: APIPorts
    let calls: RequestBatchers
    let directory: ProductDirectory
    let hints: CacheHints
    let settings: Live<APIConfiguration>

    func add(to routes: RouterGroup<APIContext>) {
        routes.post("analyses", use: submit)
        routes.get("analyses/{id}", use: get)
        routes.get("analyses/{id}/cards", use: cards)
        routes.get("analyses/{id}/keywords", use: keywords)
    }

    /// How long a submit waits for what it could do without.
    private static let adviceTimeout: Duration = .milliseconds(250)

    // MARK: Submit

    @Sendable private func submit(_ request: Request, context: APIContext) async throws -> Response {
        let key = try Self.idempotencyKey(request.headers[values: .idempotencyKey])
        try JSONContentType.check(request.headers[.contentType])
        let body = try await context.body(of: request, atMost: 16_384)
        let product = try StrictJSON.decode(IncomingAnalysis.self, from: body).productID
        try await refuseWhatCannotBeAnalysed(product)
        let submission = Submission(
            id: .make(), productID: product,
            idempotency: key.map { IdempotencyKey(key: $0, fingerprint: Array(product.text.utf8)) })
        switch try await outcome(of: submission) {
        case .accepted(let request): return accepted(request, isReplay: false)
        case .repeated(let request):
            try await hints.willTellEnd(of: request)
            return accepted(request, isReplay: true)
        case .keyReused:
            throw Problem(
                .conflict, "idempotency-key-reused",
                "this Idempotency-Key was used before with another body")
        case .unknownProduct: throw Problem.unknownProduct(product)
        }
    }

    /// A submission whose answer was lost is handed in once more: its id says whether it was stored.
    private func outcome(of submission: Submission) async throws -> SubmitOutcome {
        do {
            return try await store(submission)
        } catch let failure as any StoreFailure where failure.mayHaveHappened {
            do {
                let outcome = try await store(submission)
                if case .repeated(let request) = outcome, request.id == submission.id { return .accepted(request) }
                return outcome
            } catch is any StoreFailure {
                throw Problem(
                    .serviceUnavailable, "may-be-stored",
                    "the store went away while it stored this; it may be there. Repeat the call with an Idempotency-Key",
                    retryAfterSeconds: 1)
            }
        }
    }

    private func store(_ submission: Submission) async throws -> SubmitOutcome {
        let outcome = try await calls.submit(submission)
        Failpoint.submitStored.reached()
        return outcome
    }

    /// Printable ASCII: of other bytes a header's text does not tell one from the next.
    private static func idempotencyKey(_ values: [String]) throws -> String? {
        guard let text = values.first else { return nil }
        guard values.count == 1, (1...IdempotencyKey.bytesMax).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
        else {
            throw Problem(
                .badRequest, "bad-idempotency-key",
                "an Idempotency-Key is 1 to \(IdempotencyKey.bytesMax) printable ASCII characters, and there is one")
        }
        return text
    }

    /// Whether there is something to analyse is asked once per product. MongoDB being away does not stop a submit, which says
    /// itself whether there is such a product; the worker will see whether it has reviews.
    private func refuseWhatCannotBeAnalysed(_ product: ProductID) async throws {
        if directory.knows(.hasReviews(product)) { return }
        guard let hasReviews = await advice({ [calls] in try await calls.haveReviews(product) }) else { return }
        guard hasReviews else {
            guard try await calls.product(product) != nil else { throw Problem.unknownProduct(product) }
            throw Problem(
                .conflict, "no-reviews",
                "product \(product) has no reviews; send some to /v1/products/\(product.pathPart)/reviews")
        }
        directory.learn(.hasReviews(product))
    }

    /// What `ask` returns, nil where it fails or takes long. A call that hangs is left behind.
    private func advice<Value: Sendable>(_ ask: @escaping @Sendable () async throws -> Value) async -> Value? {
        let (answers, continuation) = AsyncStream.makeStream(of: Value?.self)
        let call = Task { continuation.yield(try? await ask()) }
        let timer = Task {
            try? await ContinuousClock().sleep(until: .now.advanced(by: Self.adviceTimeout))
            continuation.yield(nil)
        }
        defer {
            call.cancel()
            timer.cancel()
        }
        for await answer in answers { return answer }
        return nil
    }

    private func accepted(_ request: AnalysisRequest, isReplay: Bool) -> Response {
        let path = "/v1/analyses/\(request.id)"
        var response = Response(
            json: JSONWriter.object { json in
                json.field("id", request.id.description)
                json.field("product_id", request.productID.text)
                json.field("status", request.status.rawValue)
                json.field("created_at", request.createdAt.rfc3339)
                json.field("url", path)
            }, status: .accepted)
        response.headers[.location] = path
        if isReplay { response.headers[.idempotencyReplayed] = "true" }
        return response
    }

    // MARK: Read

    @Sendable private func get(_ request: Request, context: APIContext) async throws -> Response {
        let id = try context.requestID()
        guard let request = try await calls.request(id) else { throw Problem.unknownAnalysis(id) }
        let result = request.status == .completed ? try await calls.result(id) : nil
        if let result { await hints.willTell(result) }
        let progress = request.status.isOpen ? await progress(of: request) : nil
        return Response(json: request.json(progress: progress, result: result))
    }

    /// From Redis, or counted from the session and its cards where Redis does not know. What an earlier generation came to
    /// does not count.
    private func progress(of request: AnalysisRequest) async -> Progress? {
        let id = request.id
        if let progress = try? await calls.progress(id) {
            return progress.generation == request.generation ? progress : nil
        }
        guard let session = try? await ports.sessions.sessions([id])[0],
            let count = try? await ports.cards.counts([id])[0]
        else { return nil }
        return Progress(
            requestID: id, generation: request.generation, done: count, total: session.manifest.count)
    }

    @Sendable private func cards(_ request: Request, context: APIContext) async throws -> Response {
        let id = try context.requestID()
        let after = try request.queryInteger("after", in: -1...Int(Int32.max), fallback: nil)
        let pageMax = settings.now.cardsPerPageMax
        let limit = try request.queryInteger("limit", in: 1...pageMax, fallback: min(100, pageMax)) ?? pageMax
        let cards = try await ports.cards.cards(of: id, after: after, limit: limit)
        if cards.isEmpty, try await calls.request(id) == nil { throw Problem.unknownAnalysis(id) }
        return Response(
            json: JSONWriter.object(capacity: 16_384) { json in
                json.key("cards")
                json.array { json in for card in cards { card.write(to: &json) } }
                if cards.count == limit, let last = cards.last { json.field("next", last.ordinal) }
            })
    }

    @Sendable private func keywords(_ request: Request, context: APIContext) async throws -> Response {
        let id = try context.requestID()
        guard let request = try await calls.request(id) else { throw Problem.unknownAnalysis(id) }
        try await hints.willTellEnd(of: request)
        // Before the end they may be of cards that another attempt stores otherwise.
        let details = request.status == .completed ? try await ports.keywords.details([id])[0] : nil
        guard details?.isReadable != false else {
            throw Problem(.internalServerError, "unreadable", "what is stored of the keywords of \(id) can't be read")
        }
        return Response(
            json: JSONWriter.object(capacity: 8_192) { json in
                json.key("keywords")
                json.array { json in for keyword in details?.keywords ?? [] { keyword.write(to: &json) } }
                json.key("aspects")
                json.array { json in for aspect in details?.aspects ?? [] { aspect.write(to: &json) } }
            })
    }
}

private struct IncomingAnalysis: Decodable {
    let productID: ProductID

    private enum CodingKeys: String, CodingKey {
        case productID = "product_id"
    }

    init(from decoder: any Decoder) throws {
        try decoder.refuseFields(except: ["product_id"])
        let text = try decoder.container(keyedBy: CodingKeys.self).decode(String.self, forKey: .productID)
        guard let id = ProductID(text) else { throw Problem.badProductID(text) }
        productID = id
    }
}
