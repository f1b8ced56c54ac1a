package import AsyncHTTPClient
package import ClientSupport
import NIOCore
import NIOHTTP1
package import QuartetEmotion

/// Carries requests to a model server by AsyncHTTPClient.
package struct HTTPAnalyzerTransport: AnalyzerTransport {
    /// A batch of readings is far smaller.
    private static let answerBytesMax = 16 * 1024 * 1024

    private let url: String
    private let token: String
    private let client: HTTPClient

    /// `token` goes out as a bearer token where it is not empty; the client is the caller's to shut down.
    package init(url: String, token: String = "", client: HTTPClient = .shared) {
        (self.url, self.token, self.client) = (url, token, client)
    }

    package func post(_ body: [UInt8], deadline: Deadline) async throws -> AnalyzerAnswer {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.headers.add(name: "Accept", value: "application/json")
        if !token.isEmpty { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        request.body = .bytes(body)
        let timeout = TimeAmount.milliseconds(Int64(deadline.remainingMilliseconds))
        let response = try await client.execute(request, timeout: timeout)
        let answer = try await response.body.collect(upTo: Self.answerBytesMax)
        let seconds = response.headers.first(name: "Retry-After").flatMap { Int64($0) }
        return AnalyzerAnswer(
            status: Int(response.status.code), body: Array(answer.readableBytesView),
            retryAfter: seconds.map { .seconds(min(max($0, 0), 3_600)) })
    }
}
