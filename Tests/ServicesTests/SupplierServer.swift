import ClientSupport
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import ServiceSupport
import Synchronization

/// A supplier in the test process: what it lists, how it pages, and what is wrong with it.
final class SupplierServer: Sendable {
    struct State: Sendable {
        /// By kind, the rows as JSON, in their order.
        var rows: [String: [String]] = [:]
        var token: String?
        /// Answers given in place of the next ones: a status, headers and a body.
        var faults: [Fault] = []
        var asOf: String?
        /// Cursors from here on lead back to the first page behind it.
        var ringFrom: Int?
        /// Each request, as "items 0".
        var requests: [String] = []
    }

    struct Fault: Sendable {
        var status = 200
        var headers: HTTPFields = [:]
        var body = ""
        /// Bytes are sent until the caller goes.
        var isEndless = false
    }

    private let state: Mutex<State>

    init(_ rows: [String: [String]] = [:]) {
        state = Mutex(State(rows: rows))
    }

    @discardableResult
    func change<Value: Sendable>(_ body: @Sendable (inout State) -> Value) -> Value { state.withLock { body(&$0) } }

    /// Items i1 ... of a price.
    static func items(_ count: Int, price: Int = 1_000) -> [String] {
        (1...max(count, 1)).prefix(count).map { item($0, price: price) }
    }

    static func item(_ number: Int, price: Int) -> String {
        #"{"id": "i\#(number)", "name": "찻잔 \#(number)", "price": \#(price), "stock": \#(number % 7)}"#
    }

    // MARK: Over HTTP

    /// Runs `body` with the URL at which it is served.
    func serve(_ body: @escaping @Sendable (_ url: String) async throws -> Void) async throws {
        let router = Router()
        router.get("{kind}") { [self] request, context in
            answer(request, kind: context.parameters.get("kind") ?? "")
        }
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let app = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in
                continuation.yield(channel.localAddress?.port ?? 0)
                continuation.finish()
            }, logger: House.logger)
        let group = ServiceGroup(configuration: .init(services: [app], logger: House.logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            var port = 0
            for await number in ports { port = number }
            let outcome: Result<Void, any Error>
            do {
                try await body("http://127.0.0.1:\(port)")
                outcome = .success(())
            } catch {
                outcome = .failure(error)
            }
            await group.triggerGracefulShutdown()
            try outcome.get()
            try await tasks.waitForAll()
        }
    }

    private func answer(_ request: Request, kind: String) -> Response {
        let query = request.uri.queryParameters
        let limit = query["limit"].flatMap { Int($0) } ?? 100
        let fault = take(
            kind, cursor: query["cursor"].map(String.init), since: query["changed_since"].map(String.init),
            authorization: request.headers[.authorization], limit: limit)
        guard !fault.isEndless else {
            let body = ResponseBody { writer in
                let chunk = ByteBuffer(repeating: UInt8(ascii: " "), count: 16_384)
                while true { try await writer.write(chunk) }
            }
            return Response(status: .ok, body: body)
        }
        return Response(
            status: .init(code: fault.status), headers: fault.headers,
            body: .init(byteBuffer: ByteBuffer(string: fault.body)))
    }

    /// The answer to one request.
    func take(_ kind: String, cursor: String?, since: String?, authorization: String?, limit: Int) -> Fault {
        state.withLock { state in
            state.requests.append("\(kind) \(cursor ?? "-")\(since.map { " since \($0)" } ?? "")")
            if !state.faults.isEmpty { return state.faults.removeFirst() }
            if let token = state.token, authorization != "Bearer \(token)" { return Fault(status: 401) }
            guard let rows = state.rows[kind] else { return Fault(status: 404) }
            let start = cursor.flatMap { Int($0) } ?? 0
            let end = min(start + limit, rows.count)
            var next = end < rows.count ? end : nil
            if let ring = state.ringFrom, end >= ring { next = limit }
            let marks = [next.map { #""next": "\#($0)""# }, state.asOf.map { #""as_of": "\#($0)""# }]
            let list = "\"\(kind)\": [\(rows[min(start, end)..<end].joined(separator: ", "))]"
            return Fault(body: "{\(([list] + marks.compactMap { $0 }).joined(separator: ", "))}")
        }
    }
}

/// The same without a network, for tests of what happens behind it.
struct DirectTransport: PageTransport {
    let supplier: SupplierServer

    func get(_ url: String, token: String?, bytesMax: Int, deadline: Deadline) async throws -> PageAnswer {
        let parts = URLComponents(string: url)
        func value(_ name: String) -> String? { parts?.queryItems?.first { $0.name == name }?.value }
        let answer = supplier.take(
            parts?.path.split(separator: "/").last.map(String.init) ?? "", cursor: value("cursor"),
            since: value("changed_since"), authorization: token.map { "Bearer \($0)" },
            limit: value("limit").flatMap { Int($0) } ?? 100)
        guard answer.body.utf8.count <= bytesMax else { throw PageTooLarge() }
        return PageAnswer(
            status: answer.status, body: Array(answer.body.utf8),
            retryAfter: answer.headers[.retryAfter].flatMap { Int64($0) }.map { .seconds($0) })
    }
}
