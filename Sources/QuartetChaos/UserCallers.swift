import AsyncHTTPClient
import ClientSupport
import Foundation
import NIOCore
import NIOHTTP1
import Synchronization

/// Callers that create, change and delete users, each its own, and look whether the copy shows what they were told.
final class UserCallers: Sendable {
    struct Record: Sendable {
        var changes = 0
        /// The version of each user's last change that was answered.
        var versions: [String: Int64] = [:]
        /// Answers that no caller should get.
        var wrongAnswers: [String] = []
    }

    private struct State {
        var record = Record()
        var isStopping = false
        var turn = 0
    }

    private static let usersPerCaller = 6
    private static let pause = Duration.milliseconds(15)
    private let copies: [RoleCopy]
    private let key: String
    private let http: HTTPClient
    private let state = Mutex(State())

    init(copies: [RoleCopy], key: String, http: HTTPClient) {
        self.copies = copies
        self.key = key
        self.http = http
    }

    var record: Record { state.withLock { $0.record } }

    /// Lets each caller end what it has begun.
    func stop() { state.withLock { $0.isStopping = true } }

    func run(count: Int) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            for caller in 0..<count {
                group.addTask { [self] in
                    let users = (0..<Self.usersPerCaller).map { _ in UUID().uuidString.lowercased() }
                    var number = 0
                    while !state.withLock({ $0.isStopping }) {
                        number += 1
                        try await change(users[(number * 5 + caller) % users.count], number)
                        try await ContinuousClock().sleep(until: .now.advanced(by: Self.pause))
                    }
                }
            }
        }
    }

    private func change(_ user: String, _ number: Int) async throws {
        let body =
            #"{"nickname": "n\#(number)", "name": "name \#(number)", "email": "\#(number)@example.org"}"#
        let isDeleted = number % 11 == 0
        guard
            let answer = try await answer(
                isDeleted ? .DELETE : .PUT, "/v1/users/\(user)",
                body: isDeleted ? nil : ByteBuffer(string: body))
        else { return }
        // One that was deleted by a call without an answer is not there.
        guard answer.status != .notFound else {
            if !isDeleted { wrong("PUT /v1/users/\(user): 404") }
            return
        }
        guard answer.status == .ok, let version = answer.version else {
            return wrong("\(user): \(answer.status.code)")
        }
        state.withLock { state in
            state.record.changes += 1
            state.record.versions[user] = version
        }
        guard number % 7 == 0,
            let own = try await self.answer(
                .GET, "/v1/my/users/\(user)?min_version=\(version)", once: true)
        else { return }
        switch own.status {
        case .ok where isDeleted || own.version ?? 0 < version:
            wrong("the copy shows \(user) at version \(own.version ?? 0), which is at \(version)")
        case .notFound where !isDeleted: wrong("the copy has no \(user), which is at \(version)")
        case .ok, .notFound, .conflict, .serviceUnavailable: break
        default: wrong("GET /v1/my/users/\(user): \(own.status.code)")
        }
    }

    private func wrong(_ line: String) { state.withLock { $0.record.wrongAnswers.append(line) } }

    private struct Answer {
        let status: HTTPResponseStatus
        let version: Int64?
    }

    private struct Versioned: Decodable {
        let version: Int64
    }

    /// Calls whichever copy is there until there is an answer other than to come back; nil where that is not to be had once.
    private func answer(
        _ method: HTTPMethod, _ path: String, body: ByteBuffer? = nil, once: Bool = false
    ) async throws -> Answer? {
        repeat {
            let turn = state.withLock { state in
                state.turn += 1
                return state.turn
            }
            if let url = await copies[turn % copies.count].url {
                var request = HTTPClientRequest(url: url + path)
                request.method = method
                request.headers.add(name: "Authorization", value: "Bearer \(key)")
                if let body {
                    request.headers.add(name: "Content-Type", value: "application/json")
                    request.body = .bytes(body)
                }
                do {
                    let response = try await http.execute(request, timeout: .seconds(4))
                    let bytes = try await response.body.collect(upTo: 1 << 20)
                    if response.status != .serviceUnavailable {
                        let decoded = try? JSONDecoder().decode(
                            Versioned.self, from: Data(bytes.readableBytesView))
                        return Answer(status: response.status, version: decoded?.version)
                    }
                } catch is CancellationError {
                    throw CancellationError()
                } catch {
                    // Nobody is there now.
                }
            }
            try await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(50)))
        } while !once
        return nil
    }
}
