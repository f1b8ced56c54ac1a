import ClientSupport
import HTTPTypes
import Hummingbird
import NIOCore
import QuartetCore
import QuartetHTTP
import ServiceLifecycle

/// `GET /v1/analyses/{id}/events`: Server-Sent Events `progress`, `card` (with `id: ORDINAL`) and `end`.
///
/// Source: WHATWG HTML, section 9.2, "Server-sent events".
struct EventStreamEndpoint: Sendable {
    let calls: RequestBatchers
    let hub: WatchHub

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("analyses/{id}/events", use: stream)
    }

    @Sendable private func stream(_ call: Request, context: APIContext) async throws -> Response {
        let id = try context.requestID()
        let start = try Self.start(call.headers[.lastEventID])
        guard let request = try await calls.request(id) else { throw Problem.unknownAnalysis(id) }
        // A refusal must come before the head of the answer.
        let seat = try hub.seat(at: request)
        let body = ResponseBody { writer in
            var teller = EventTeller(next: start)
            while try await tell(id, seat.channel, &teller, &writer) {}
            seat.leave()
            try await writer.finish(nil)
        }
        return Response(
            status: .ok,
            headers: [.contentType: "text/event-stream", .cacheControl: "no-store", .accelBuffering: "no"], body: body)
    }

    /// The first ordinal to tell.
    private static func start(_ lastEventID: String?) throws -> Int {
        guard let lastEventID, !lastEventID.isEmpty else { return 0 }
        guard let last = Int32(lastEventID), last >= -1 else {
            throw Problem(.badRequest, "bad-last-event-id", "Last-Event-ID is the ordinal of the last card seen")
        }
        return Int(last) + 1
    }

    /// Tells from where the watcher is until the end; returns false when told to the end. True asks to join again: the
    /// watcher was too slow for the channel.
    private func tell(
        _ id: RequestID, _ channel: WatchChannel, _ teller: inout EventTeller, _ writer: inout any ResponseBodyWriter
    ) async throws -> Bool {
        let (start, watcher, events) = await channel.join()
        // Who joins behind that is let go by nobody.
        guard !hub.isClosed else {
            _ = await channel.leave(watcher)
            return false
        }
        do {
            // Or it would be told the end without what is before it.
            guard try await catchUp(id, to: start, &teller, &writer) else {
                _ = await channel.leave(watcher)
                return false
            }
            let hasEnded = try await teller.tell(events, to: &writer)
            _ = await channel.leave(watcher)
            return !hasEnded && !hub.isClosed && !Task.isShuttingDownGracefully && !Task.isCancelled
        } catch {
            _ = await channel.leave(watcher)
            throw error
        }
    }

    /// Tells the cards that lie before the channel's place; returns false where the process stops before that.
    private func catchUp(
        _ id: RequestID, to start: Int, _ teller: inout EventTeller, _ writer: inout any ResponseBodyWriter
    ) async throws -> Bool {
        while teller.next < start {
            guard !hub.isClosed else { return false }
            let limit = min(hub.cardsOfEachMax, start - teller.next)
            let cards: [EmotionCard]
            do {
                let range = CardRange(requestID: id, after: teller.next - 1, limit: limit)
                cards = try await cancelWhenGracefulShutdown { [calls] in try await calls.earlierCards(range) }
            } catch  where Task.isShuttingDownGracefully {
                return false
            }
            guard !cards.isEmpty else { return true }
            try await teller.tell(.cards(cards), to: &writer)
        }
        return true
    }
}

/// Writes events as text, each card once and in order.
struct EventTeller {
    /// What is written at once, and so waits for a watcher who takes nothing.
    static let bytesAtOnceMax = 32 * 1024

    /// The ordinal of the next card to tell.
    private(set) var next: Int

    /// Tells `events` to their end, or until the process stops; returns true when that was the analysis's.
    mutating func tell(
        _ events: AsyncStream<WatchEvent>, to writer: inout any ResponseBodyWriter
    ) async throws -> Bool {
        for await event in events {
            guard !Task.isShuttingDownGracefully else { return false }
            try await tell(event, to: &writer)
            if case .end = event { return true }
        }
        return false
    }

    mutating func tell(_ event: WatchEvent, to writer: inout any ResponseBodyWriter) async throws {
        var text = ByteBuffer()
        switch event {
        case .progress(let progress):
            var json = JSONWriter()
            progress.write(to: &json)
            text.writeEvent("progress", data: json.bytes)
        case .cards(let cards):
            for card in cards where card.ordinal >= next {
                var json = JSONWriter(capacity: 512)
                card.write(to: &json)
                if text.readableBytes > 0, text.readableBytes + json.bytes.count > Self.bytesAtOnceMax {
                    try await writer.write(text)
                    // Nothing is told behind that, and no end: they come for the rest elsewhere.
                    guard !Task.isShuttingDownGracefully else { return }
                    text.clear()
                }
                text.writeEvent("card", id: card.ordinal, data: json.bytes)
                next = card.ordinal + 1
            }
        case .end(let status, let failure):
            let json = JSONWriter.object { json in
                json.field("status", status.rawValue)
                json.field("failure", ifPresent: failure)
            }
            text.writeEvent("end", data: json)
        case .silence: text.writeString(": still here\n\n")
        }
        if text.readableBytes > 0 { try await writer.write(text) }
    }
}

extension ByteBuffer {
    fileprivate mutating func writeEvent(_ name: StaticString, id: Int? = nil, data: [UInt8]) {
        writeString("event: ")
        writeStaticString(name)
        if let id { writeString("\nid: \(id)") }
        writeString("\ndata: ")
        writeBytes(data)
        writeString("\n\n")
    }
}
