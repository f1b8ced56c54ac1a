import ClientSupport
import Foundation
package import QuartetCore
import Synchronization

/// An account as the sync needs it.
package struct SyncAccount: Sendable {
    let party: String
    let id: String
    let url: String
    /// Secret.
    let token: String?
    let requestsPerSecond: Int?
    let isPaused: Bool

    /// - Parameter party: whose it is, in words for people.
    package init(
        of party: String = "supplier", id: String, url: String, token: String?, requestsPerSecond: Int?, isPaused: Bool
    ) {
        self.party = party
        (self.id, self.url, self.token) = (id, url, token)
        (self.requestsPerSecond, self.isPaused) = (requestsPerSecond, isPaused)
    }
}

/// How often something may be done. What was not used is not made up for.
struct Pace: Sendable {
    private let step: Duration
    private var free: ContinuousClock.Instant?

    init(perSecond: Int) {
        step = .seconds(1) / perSecond
    }

    /// How long the next one has to wait.
    mutating func next(at now: ContinuousClock.Instant) -> Duration {
        let slot = max(free ?? now, now)
        free = slot.advanced(by: step)
        return now.duration(to: slot)
    }
}

/// Asks one account for pages: at its pace, again after a growing pause while it can't be reached or says "later".
package final class PageClient: Sendable {
    private let account: SyncAccount
    private let settings: Live<SyncConfiguration>
    private var configuration: SyncConfiguration { settings.now }
    private let transport: any PageTransport
    private let pause: @Sendable (Duration) async throws -> Void
    private let pace: Mutex<Pace>

    package init(
        _ account: SyncAccount, configuration: Live<SyncConfiguration>, transport: any PageTransport,
        pause: @escaping @Sendable (Duration) async throws -> Void = {
            try await ContinuousClock().sleep(until: .now.advanced(by: $0))
        }
    ) {
        (self.account, settings, self.transport, self.pause) = (account, configuration, transport, pause)
        pace = Mutex(Pace(perSecond: account.requestsPerSecond ?? settings.now.requestsPerSecond))
    }

    /// - Throws: `SyncError`, or `CancellationError`.
    func page(of list: SyncedList, cursor: String?, since: String?) async throws -> FetchedPage {
        try await page(of: list.name, query: [("cursor", cursor), ("changed_since", since)])
    }

    /// - Parameter list: what is listed, at the account's URL, and the array's name in the answer.
    package func page(of list: String, query: [(name: String, value: String?)]) async throws -> FetchedPage {
        let url = url(of: list, query)
        let hasCursor = query.contains { $0.name == "cursor" && $0.value != nil }
        var failure = SyncError(.unavailable, "never asked")
        for attempt in 0..<configuration.triesMax {
            var wait = configuration.backoff.delay(attempt: attempt)
            do {
                let answer = try await ask(url)
                if answer.status == 200 {
                    return try FetchedPage(answer.body, of: list, account: account.id)
                }
                failure = refusal(answer.status, of: list, hasCursor: hasCursor)
                if let asked = answer.retryAfter { wait = max(wait, min(asked, configuration.retryAfterMax)) }
            } catch let error as SyncError {
                failure = error
            }
            guard failure.code == .unavailable else { throw failure }
            if attempt + 1 < configuration.triesMax { try await pause(wait) }
        }
        throw SyncError(.unavailable, "\(failure.message), \(configuration.triesMax) times")
    }

    private func ask(_ url: String) async throws -> PageAnswer {
        let wait = pace.withLock { $0.next(at: .now) }
        if wait > .zero { try await pause(wait) }
        let deadline = Deadline.after(configuration.requestTimeout)
        do {
            return try await withDeadline(deadline, waitingFor: "the \(account.party)") { [self] in
                try await transport.get(
                    url, token: account.token, bytesMax: configuration.pageBytesMax, deadline: deadline)
            }
        } catch is PageTooLarge {
            throw SyncError(.badAnswer, "the page has more than \(configuration.pageBytesMax) bytes")
        } catch {
            // A transport that is cancelled throws something of its own.
            try Task.checkCancellation()
            if deadline.isPast || error is DeadlineExceeded {
                throw SyncError(.unavailable, "no whole answer within \(configuration.requestTimeout)")
            }
            throw SyncError(.unavailable, "the \(account.party) can't be reached (\(error))")
        }
    }

    private func refusal(_ status: Int, of list: String, hasCursor: Bool) -> SyncError {
        switch status {
        case 401, 403: SyncError(.refused, "the \(account.party) refuses the account's token (\(status))")
        case 300...399:
            SyncError(
                .refused,
                "the \(account.party) sends the request elsewhere (\(status)): that is to be the account's url")
        case 404: SyncError(.refused, "the \(account.party) has no /\(list) (404)")
        case 410 where hasCursor:
            SyncError(.cursorGone, "the \(account.party) does not know its cursor any longer (410)")
        case 408, 425, 429, 500...599: SyncError(.unavailable, "the \(account.party) answers \(status)")
        default: SyncError(.refused, "the \(account.party) refuses the request (\(status))")
        }
    }

    private func url(of list: String, _ more: [(name: String, value: String?)]) -> String {
        var base = account.url[...]
        while base.hasSuffix("/") { base = base.dropLast() }
        let query = [("limit", String(configuration.rowsPerPage))] + more
        let parts = query.compactMap { name, value in value.map { "\(name)=\(Self.escaped($0))" } }
        return "\(base)/\(list)?\(parts.joined(separator: "&"))"
    }

    private static func escaped(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: unreserved) ?? text
    }

    /// RFC 3986, section 2.3.
    private static let unreserved = CharacterSet(
        charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
}
