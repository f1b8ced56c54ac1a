import AsyncHTTPClient
import ClientSupport
import NIOCore
import NIOHTTP1
package import QuartetCore

/// One Server-Sent Event.
package struct ServerSentEvent: Sendable, Equatable {
    package var name: String
    package var id: String?
    package var data: String

    package init(name: String = "message", id: String? = nil, data: String = "") {
        self.name = name
        self.id = id
        self.data = data
    }
}

extension Shop {
    /// Reads an analysis's events until `body` says false or the stream ends; returns whether the stream ended.
    ///
    /// Leaving early closes the connection.
    package func events(
        of id: RequestID, lastEventID: String? = nil, _ body: (ServerSentEvent) async throws -> Bool
    ) async throws -> Bool {
        let headers = lastEventID.map { ["Last-Event-ID": $0] } ?? [:]
        let response = try await HTTPClient.shared.execute(
            request(.get, "/v1/analyses/\(id)/events", headers: headers), deadline: .distantFuture)
        guard response.status == .ok else { throw TestFailure("events of \(id): \(response.status.code)") }
        var event = ServerSentEvent()
        var rest: [UInt8] = []
        for try await chunk in response.body {
            rest += chunk.readableBytesView
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: rest[..<end], as: UTF8.self)
                rest.removeFirst(end + 1)
                guard line.isEmpty else {
                    event.read(line)
                    continue
                }
                defer { event = ServerSentEvent() }
                if event != ServerSentEvent(), try await !body(event) { return false }
            }
        }
        return true
    }
}

extension Shop {
    /// The ids of the cards that a watcher is told from the beginning to the end.
    ///
    /// - Throws: `TestFailure` if the stream does not come to an `end`.
    package func toldToTheEnd(of id: RequestID) async throws -> [String] {
        let stream = try await withDeadline(.after(patience), waitingFor: "the end of the stream of \(id)") {
            var events: [ServerSentEvent] = []
            _ = try await self.events(of: id) { event in
                events.append(event)
                return true
            }
            return events
        }
        guard stream.last?.name == "end" else { throw TestFailure("the stream of \(id) broke off") }
        return stream.compactMap { $0.name == "card" ? $0.id : nil }
    }
}

extension ServerSentEvent {
    fileprivate mutating func read(_ line: String) {
        let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let value = parts.count == 2 ? String(parts[1].drop { $0 == " " }) : ""
        switch parts[0] {
        case "event": name = value
        case "id": id = value
        case "data": data += value
        default: break
        }
    }
}
