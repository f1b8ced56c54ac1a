import AsyncHTTPClient
import ClientSupport
import Foundation
import NIOCore
import NIOHTTP1
import ServiceSupport

/// Carries requests to suppliers and markets by AsyncHTTPClient. Whom an account's answer would send it on to is not asked, and a
/// connection that is refused is told at once.
struct HTTPPageTransport: PageTransport {
    /// Lives as long as the process.
    private static let client = {
        var configuration = HTTPClient.Configuration.singletonConfiguration
        configuration.redirectConfiguration = .disallow
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    func get(_ url: String, token: String?, bytesMax: Int, deadline: Deadline) async throws -> PageAnswer {
        var request = HTTPClientRequest(url: url)
        request.headers.add(name: "Accept", value: "application/json")
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        let timeout = TimeAmount.milliseconds(Int64(deadline.remainingMilliseconds))
        let response = try await Self.client.execute(request, timeout: timeout)
        do {
            let body = try await response.body.collect(upTo: bytesMax)
            return PageAnswer(
                status: Int(response.status.code), body: Array(body.readableBytesView),
                retryAfter: response.headers.first(name: "Retry-After").flatMap(Self.wait))
        } catch is NIOTooManyBytesError {
            throw PageTooLarge()
        }
    }

    /// Seconds, or a date.
    ///
    /// Source: RFC 9110, section 10.2.3.
    static func wait(_ text: String) -> Duration? {
        if let seconds = Int64(text) { return .seconds(min(max(seconds, 0), 86_400)) }
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = TimeZone(identifier: "GMT")
        format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        return format.date(from: text).map { .seconds(min(max($0.timeIntervalSinceNow, 0), 86_400)) }
    }
}
