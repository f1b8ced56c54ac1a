import AsyncHTTPClient
import ClientSupport
import Foundation
import NIOCore
import NIOHTTP1
import QuartetCore
import Synchronization

/// Callers that ask for analyses and follow them, whatever happens: they note every 202 that they were given, and repeat a
/// call that was not answered, with the same key, at whichever copy of the API is there. Some cancel, and some of these change
/// their minds; what failed they retry once, or drop.
final class Callers: Sendable {
    struct Record: Sendable {
        /// Each accepted request and the keys under which it was accepted.
        var accepted: [RequestID: String] = [:]
        /// How many were asked for again after they had been cancelled or had failed.
        var retried = 0
        /// How many were dropped after they had failed.
        var dropped = 0
        /// Answers that no caller should get.
        var wrongAnswers: [String] = []
        var unanswered = 0
        var refused = 0
        var followed = 0
        /// From submit to the answer that says that it is over.
        var slowest: Duration = .zero
        /// The longest time in which no analysis came to its end.
        var longestStall: Duration = .zero
        fileprivate var lastEnd = ContinuousClock.now
    }

    private struct State {
        var record = Record()
        var isStopping = false
        /// Calls go to the copies in turn.
        var turn = 0
    }

    private static let callTimeout = TimeAmount.seconds(4)
    private static let answerTimeout = Duration.seconds(60)
    private let copies: [RoleCopy]
    private let products: [ProductID]
    /// A product whose analyses fail; asked for now and then.
    let unreadable: ProductID
    private let key: String
    private let http: HTTPClient
    private let state = Mutex(State())

    init(
        copies: [RoleCopy], products: [ProductID], unreadable: ProductID, key: String, http: HTTPClient
    ) {
        self.copies = copies
        self.products = products
        self.unreadable = unreadable
        self.key = key
        self.http = http
    }

    var record: Record { state.withLock { $0.record } }

    /// Lets each caller end what it has begun.
    func stop() { state.withLock { $0.isStopping = true } }

    func run(count: Int) async throws {
        state.withLock { $0.record.lastEnd = .now }
        try await withThrowingDiscardingTaskGroup { group in
            for caller in 0..<count {
                group.addTask { [self] in
                    var number = 0
                    while !state.withLock({ $0.isStopping }) {
                        number += 1
                        try await analyse(caller: caller, number: number)
                    }
                }
            }
        }
    }

    private func analyse(caller: Int, number: Int) async throws {
        let turn = caller * 31 + number
        let product = turn % 40 == 7 ? unreadable : products[turn % products.count]
        let idempotencyKey = "storm-\(caller)-\(number)"
        let started = ContinuousClock.now
        let body = ByteBuffer(string: #"{"product_id": "\#(product)"}"#)
        let submitted = try await answer(
            .POST, "/v1/analyses", wanted: .accepted, body: body, idempotencyKey: idempotencyKey)
        guard let submitted, let id = RequestID(submitted.id) else { return }
        state.withLock { $0.record.accepted[id] = idempotencyKey }
        let isCancelled = (caller + number) % 12 == 0
        // Too late is no fault: 409 then.
        if isCancelled { _ = try await answer(.DELETE, "/v1/analyses/\(id)", wanted: .ok) }
        guard let end = try await end(of: id) else { return }
        noteEnd(since: started)
        switch end {
        case "cancelled" where isCancelled && number % 2 == 0: try await retry(id)
        case "failed" where number % 2 == 0: try await retry(id)
        case "failed":
            // Whoever repairs may have made something else of it meanwhile: 409 then.
            if try await answer(.DELETE, "/v1/dead/\(id)", wanted: .ok) != nil {
                state.withLock { $0.record.dropped += 1 }
            }
        default: break
        }
    }

    private func retry(_ id: RequestID) async throws {
        guard try await answer(.POST, "/v1/analyses/\(id)/retry", wanted: .accepted) != nil else {
            return
        }
        state.withLock { $0.record.retried += 1 }
        _ = try await end(of: id)
    }

    /// The status with which an analysis ends; nil when the storm is over first: then it is looked at in the stores.
    private func end(of id: RequestID) async throws -> String? {
        while let analysis = try await answer(.GET, "/v1/analyses/\(id)", wanted: .ok) {
            if !["queued", "running"].contains(analysis.status) { return analysis.status }
            if state.withLock({ $0.isStopping }) { return nil }
            try await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(60)))
        }
        return nil
    }

    private func noteEnd(since started: ContinuousClock.Instant) {
        state.withLock { state in
            let now = ContinuousClock.now
            state.record.followed += 1
            state.record.slowest = max(state.record.slowest, started.duration(to: now))
            state.record.longestStall = max(
                state.record.longestStall, state.record.lastEnd.duration(to: now))
            state.record.lastEnd = now
        }
    }

    private struct Analysis: Decodable {
        let id: String
        let status: String
    }

    /// Calls until there is an answer. Nil for one that was not wanted, which is noted unless it is 409.
    private func answer(
        _ method: HTTPMethod, _ path: String, wanted: HTTPResponseStatus, body: ByteBuffer? = nil,
        idempotencyKey: String? = nil
    ) async throws -> Analysis? {
        while true {
            let turn = state.withLock { state in
                state.turn += 1
                return state.turn
            }
            guard let url = await copies[turn % copies.count].url else {
                try await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(50)))
                continue
            }
            do {
                let response = try await http.execute(
                    request(method, url + path, body, idempotencyKey), timeout: Self.callTimeout)
                let bytes = try await response.body.collect(upTo: 1 << 20)
                switch response.status {
                case wanted:
                    return try JSONDecoder().decode(Analysis.self, from: Data(bytes.readableBytesView))
                case .serviceUnavailable: state.withLock { $0.record.refused += 1 }
                case .conflict: return nil
                default:
                    let text = "\(method) \(path): \(response.status.code) \(String(buffer: bytes))"
                    state.withLock { $0.record.wrongAnswers.append(text) }
                    return nil
                }
            } catch is CancellationError {
                throw CancellationError()
            } catch let error as DecodingError {
                state.withLock { $0.record.wrongAnswers.append("\(method) \(path): \(error)") }
                return nil
            } catch {
                state.withLock { $0.record.unanswered += 1 }
            }
            try await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(50)))
        }
    }

    private func request(
        _ method: HTTPMethod, _ url: String, _ body: ByteBuffer?, _ idempotencyKey: String?
    ) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: url)
        request.method = method
        request.headers.add(name: "Authorization", value: "Bearer \(key)")
        if let idempotencyKey { request.headers.add(name: "Idempotency-Key", value: idempotencyKey) }
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(body)
        }
        return request
    }

    /// A product's latest result as the API serves it, nil where it says that there is none. A copy that was started a
    /// moment ago may need several calls to find its stores.
    func servedResult(of product: ProductID, at url: String) async throws -> [UInt8]? {
        let deadline = Deadline.after(Self.answerTimeout)
        while true {
            do {
                let response = try await http.execute(
                    request(.GET, "\(url)/v1/products/\(product)/analysis", nil, nil),
                    timeout: Self.callTimeout)
                if response.status == .notFound { return nil }
                if response.status == .ok {
                    return Array(try await response.body.collect(upTo: 4 << 20).readableBytesView)
                }
                throw ChaosError("the answer is \(response.status.code)")
            } catch {
                if deadline.isPast || error is CancellationError { throw error }
            }
            try await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(50)))
        }
    }
}
