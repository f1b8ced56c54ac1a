import AsyncHTTPClient
import Catalog
import ClientSupport
import Foundation
import NIOCore
import NIOHTTP1
import QuartetAPI
import QuartetCore
import QuartetStores
import Redis
import Synchronization

/// Products behind a cache.
protocol StaleSubject: Sendable {
    /// The version that a reader is shown, and whether it came from the cache.
    func read(_ product: ProductID) async throws -> (version: Int64, isHit: Bool)
    /// The version that the writer is told.
    func write(_ product: ProductID, name: String) async throws -> Int64
}

/// Copies of the API, by turns.
final class HTTPSubject: StaleSubject {
    private let ports: [Int]
    private let key: String
    private let client: HTTPClient
    private let turn = Atomic(0)

    init(ports: [Int], key: String, client: HTTPClient) {
        self.ports = ports
        self.key = key
        self.client = client
    }

    func read(_ product: ProductID) async throws -> (version: Int64, isHit: Bool) {
        let answer = try await call(.GET, product, body: nil)
        return (try version(answer), answer.headers.first(name: "Cache-Status") == "quartet; hit")
    }

    func write(_ product: ProductID, name: String) async throws -> Int64 {
        try version(try await call(.PUT, product, body: #"{"name":"\#(name)"}"#))
    }

    private func call(_ method: HTTPMethod, _ product: ProductID, body: String?) async throws -> HTTPClientResponse {
        let port = ports[turn.wrappingAdd(1, ordering: .relaxed).newValue % ports.count]
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)/v1/products/\(product)")
        request.method = method
        request.headers.add(name: "Authorization", value: "Bearer \(key)")
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(string: body))
        }
        let answer = try await client.execute(request, timeout: .seconds(20))
        _ = try await answer.body.collect(upTo: 65_536)
        guard answer.status == .ok else { throw BenchError("\(method) answered with \(answer.status)") }
        return answer
    }

    private func version(_ answer: HTTPClientResponse) throws -> Int64 {
        let tag = answer.headers.first(name: "ETag")?.filter { $0 != "\"" }
        guard let version = tag.flatMap({ Int64($0) }) else { throw BenchError("an answer has no version") }
        return version
    }
}

/// How the API reads and writes, without HTTP around it.
struct LibrarySubject: StaleSubject {
    let store: PostgresProductStore
    let cache: RedisVersionedCache
    let reads: CachedReads
    let queries: QueryCount

    func read(_ product: ProductID) async throws -> (version: Int64, isHit: Bool) {
        let (entry, status) = try await reads.read(.product(product)) { [store, queries] in
            queries.add()
            return try await store.products([product])[0].map {
                CacheEntry(version: $0.version, value: Array($0.name.utf8))
            }
        }
        return (entry?.version ?? 0, status == .hit)
    }

    func write(_ product: ProductID, name: String) async throws -> Int64 {
        let stored = try await store.put([(product, name)])[0]
        try await cache.invalidate([.entry(.product(product), version: stored.version)])
        return stored.version
    }
}

/// What is commonly done: GET, SELECT, SETEX; and DEL behind a write.
struct PlainSubject: StaleSubject {
    let store: PostgresProductStore
    let client: RedisClient
    let queries: QueryCount

    func read(_ product: ProductID) async throws -> (version: Int64, isHit: Bool) {
        if let bytes = try await client.get(key(product)),
            let version = String(decoding: bytes, as: UTF8.self).split(separator: " ").first.flatMap({ Int64($0) })
        {
            return (version, true)
        }
        queries.add()
        guard let stored = try await store.products([product])[0] else { return (0, false) }
        try await client.set(key(product), "\(stored.version) \(stored.name)", px: .seconds(3600))
        return (stored.version, false)
    }

    func write(_ product: ProductID, name: String) async throws -> Int64 {
        let stored = try await store.put([(product, name)])[0]
        try await client.del([key(product)])
        return stored.version
    }

    private func key(_ product: ProductID) -> String { "plain:{\(product)}" }
}

final class QueryCount: Sendable {
    private let count = Atomic(0)

    func add() { count.wrappingAdd(1, ordering: .relaxed) }
    var value: Int { count.load(ordering: .relaxed) }
}
