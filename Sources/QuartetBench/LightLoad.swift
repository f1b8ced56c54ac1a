import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import QuartetCore
import StoreKit

/// Single requests, far apart: what one caller waits for.
struct LightLoad: Sendable {
    let url: String
    let key: String
    let requestsPerSecond: Int

    /// Submits `count` requests at an even pace and follows each one's event stream to its end.
    func run(count: Int) async throws -> Latencies {
        let started = ContinuousClock.now
        let interval = Duration.seconds(1) / requestsPerSecond
        return try await withThrowingTaskGroup(of: Duration.self) { group in
            for number in 0..<count {
                try await ContinuousClock().sleep(until: started.advanced(by: interval * number))
                group.addTask { try await analyse(BenchData.product(number % 50).text) }
            }
            return try await group.reduce(into: Latencies()) { $0.add($1) }
        }
    }

    private func analyse(_ product: String) async throws -> Duration {
        let started = ContinuousClock.now
        var submit = request("/v1/analyses")
        submit.method = .POST
        submit.headers.add(name: "Content-Type", value: "application/json")
        submit.body = .bytes(ByteBuffer(string: #"{"product_id":"\#(product)"}"#))
        let answer = try await HTTPClient.shared.execute(submit, timeout: .seconds(30))
        let body = try await answer.body.collect(upTo: 65_536)
        guard answer.status == .accepted else {
            throw BenchError("a submit was answered with \(answer.status.code): \(String(buffer: body))")
        }
        let id = try JSONDecoder().decode(Submitted.self, from: Data(body.readableBytesView)).id
        let events = try await HTTPClient.shared.execute(request("/v1/analyses/\(id)/events"), timeout: .seconds(30))
        var text = ByteBuffer()
        for try await part in events.body {
            text.writeImmutableBuffer(part)
            if String(buffer: text).contains("event: end") { return started.duration(to: .now) }
        }
        throw BenchError("the event stream of \(id) ended early")
    }

    private struct Submitted: Decodable {
        let id: String
    }

    private func request(_ path: String) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: url + path)
        request.headers.add(name: "Authorization", value: "Bearer \(key)")
        return request
    }
}
