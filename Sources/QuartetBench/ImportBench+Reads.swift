import AsyncHTTPClient
import ClientSupport
import Foundation
import NIOCore
import NIOHTTP1
import Postgres
import QuartetDatabases
import QuartetService
import QuartetStack

extension ImportBench {
    private static let reads = 50_000
    private static let readers = 64
    private static let readIDs = 1_000

    /// Of single products and of any product, first without the caches.
    func measureReads(_ figures: inout ImportFigures, port: Int) async throws {
        say("reading products, \(Self.readers) callers")
        let rows = (0..<Self.readIDs).map { #"{"id": "read-\#($0)", "name": "name \#($0)", "price": \#($0)}"# }
        let file = "\(stack.directory.path)/read.jsonl"
        try rows.joined(separator: "\n").write(toFile: file, atomically: false, encoding: .utf8)
        try await importRows("products", file, port: port)
        let byID = (0..<Self.readIDs).map { "/v1/products/read-\($0)" }
        let ways = [("GET /v1/products/{id}", byID), ("GET /v1/products/random", ["/v1/products/random"])]
        for (name, paths) in ways {
            figures.reads.append(try await reads("\(name) out of PostgreSQL", paths, port: port))
        }
        // Entries are read where invalidations are known to flow.
        let events = try process(["relay", "invalidate"], [:])
        do {
            try await finish([program(), "cache", "refresh"], stack.environment)
            try await untilCached(byID, port: port)
            for (name, paths) in ways {
                figures.reads.append(try await reads("\(name) out of Redis", paths, port: port))
            }
        } catch {
            say(events.lastLogLine)
            await events.stop()
            throw error
        }
        await events.stop()
    }

    private func loop(_ paths: [String], port: Int) -> ClosedLoop {
        let requests = paths.map { path in
            ByteBuffer(string: "GET \(path) HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer bench\r\n\r\n")
        }
        return ClosedLoop(port: port, callers: Self.readers, requests: requests, accepted: 200)
    }

    private func reads(_ name: String, _ paths: [String], port: Int) async throws -> ReadFigures {
        let loop = loop(paths, port: port)
        _ = try await loop.run(count: Self.reads / 10)
        let before = try await transactions()
        let outcome = try await loop.run(count: Self.reads)
        guard outcome.refused == 0 else { throw BenchError("\(outcome.refused) reads were refused") }
        return ReadFigures(
            name: name, perSecond: Int(Double(Self.reads) / outcome.duration.seconds),
            latencies: outcome.latencies.summary,
            transactionsPerMinute: Int(Double(try await transactions() - before) / outcome.duration.seconds * 60))
    }

    /// Of the database that has the products, so far. Sessions tell theirs about a second late.
    private func transactions() async throws -> Int {
        try await ContinuousClock().sleep(until: .now.advanced(by: .seconds(2)))
        let counting = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
        return try await stores.clients.databases.client(of: .dropship).query(PostgresStatement(counting)).single()
            .decode(0, as: Int.self)
    }

    /// Until nearly all come out of the cache.
    private func untilCached(_ paths: [String], port: Int) async throws {
        let deadline = Deadline.after(.seconds(60))
        while !deadline.isPast {
            let before = try await hits(port: port)
            _ = try await loop(paths, port: port).run(count: Self.readIDs)
            if try await hits(port: port) - before > Self.readIDs * 9 / 10 { return }
            try await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(200)))
        }
        throw BenchError("the cache is not read")
    }

    private func hits(port: Int) async throws -> Int {
        let request = HTTPClientRequest(url: "http://127.0.0.1:\(port)/metrics")
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
        let text = String(buffer: try await response.body.collect(upTo: 4 << 20))
        let line = text.split(separator: "\n").first { $0.hasPrefix(#"quartet_cache_hits_total{family="product"}"#) }
        return line?.split(separator: " ").last.flatMap { Double($0) }.map { Int($0) } ?? 0
    }
}

/// How fast something is read, and what that costs PostgreSQL.
struct ReadFigures: Codable, Sendable {
    let name: String
    let perSecond: Int
    let latencies: LatencySummary
    let transactionsPerMinute: Int

    var line: String {
        "\(name): \(perSecond) a second, p50 \(latencies.p50) ms, p99 \(latencies.p99) ms, "
            + "\(transactionsPerMinute) transactions a minute"
    }
}
