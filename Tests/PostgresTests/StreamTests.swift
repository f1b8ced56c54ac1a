import ClientSupport
import Foundation
import Postgres
import Testing

@Suite struct StreamTests {
    @Test func aStreamGivesEveryRowInOrder() async throws {
        try await withClient { client in
            var expected = 0
            for try await row in client.stream(PostgresStatement("SELECT generate_series(1, $1)", 100_000)) {
                expected += 1
                #expect(try row.decode(0, as: Int.self) == expected)
            }
            #expect(expected == 100_000)
        }
    }

    @Test func chunksHaveTheirBound() async throws {
        try await withClient { client in
            let stream = client.stream(PostgresStatement("SELECT generate_series(1, 5000)"), chunkRows: 64)
            var rows = 0
            for try await chunk in stream.chunks {
                #expect(!chunk.isEmpty && chunk.count <= 64)
                rows += chunk.count
            }
            #expect(rows == 5000)
        }
    }

    @Test func aStreamLeftEarlyGivesItsConnectionBackClean() async throws {
        try await withClient(.set(\.connectionsMax, 1)) { client in
            for _ in 0..<3 {
                var seen = 0
                for try await row in client.stream(PostgresStatement("SELECT generate_series(1, 1000000)")) {
                    seen = try row.decode(0)
                    if seen == 10_000 { break }
                }
                #expect(seen == 10_000)
                let rows = try await client.withSession { try await $0.query(PostgresStatement("SELECT 7")) }
                #expect(try rows.single().decode(0, as: Int.self) == 7)
            }
        }
    }

    /// The server can't be ahead of a reader that does not read: it waits for room on the connection.
    @Test func aSlowReaderHoldsTheServerBack() async throws {
        try await withClient { client in
            try await client.execute(script: "CREATE SEQUENCE produced")
            let stream = client.stream(
                PostgresStatement(
                    "SELECT nextval('produced'), repeat('x', 10000) FROM generate_series(1, 100000)"),
                chunkRows: 10)
            var iterator = stream.makeAsyncIterator()
            #expect(try await iterator.next() != nil)
            // Production stands still once everything between is full: two looks in a row see the same number.
            var last = -1
            try await eventually {
                let rows = try await client.query(
                    PostgresStatement("SELECT last_value, pg_sleep(0.2) FROM produced"))
                let now = try rows.single().decode(0, as: Int.self)
                defer { last = now }
                return now == last
            }
            #expect(last < 50_000)
        }
    }

    @Test func anErrorInTheMiddleComesAfterTheRowsBefore() async throws {
        try await withClient { client in
            var seen = 0
            let error = try await failure {
                for try await _ in client.stream(PostgresStatement("SELECT 1 / (5 - n) FROM generate_series(1, 9) n")) {
                    seen += 1
                }
            }
            #expect(error.sqlState == "22012")
            #expect(seen == 4)
        }
    }

    @Test func aCancelledReaderStops() async throws {
        try await withClient(.set(\.connectionsMax, 1)) { client in
            let sleep = PostgresStatement("SELECT pg_sleep(60) AS streamed")
            let task = Task {
                for try await _ in client.stream(sleep) { Issue.record("no row was due") }
            }
            try await eventually {
                let rows = try await client.query(
                    PostgresStatement(
                        "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query = $1", sleep.sql))
                return !rows.isEmpty
            }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            try await client.withSession { _ = try await $0.query(PostgresStatement("SELECT 1")) }
        }
    }

    @Test func aStreamsDeadlineHoldsWhileItIsNotRead() async throws {
        try await withClient { client in
            try await client.withSession { _ = try await $0.query(PostgresStatement("SELECT 1")) }
            let stream = client.stream(
                PostgresStatement("SELECT repeat('x', 1000) FROM generate_series(1, 1000000)"),
                deadline: .after(.milliseconds(500)))
            let error = try await failure {
                for try await _ in stream.chunks {
                    _ = try await client.query(PostgresStatement("SELECT pg_sleep(0.05)"))
                }
            }
            #expect(error.code == .deadlineExceeded)
        }
    }

    @Test func aTransactionStreamsFromItsOwnSnapshot() async throws {
        try await withClient { client in
            try await client.execute(script: "CREATE TABLE snapshot (n int); INSERT INTO snapshot VALUES (1), (2)")
            let counts = try await client.transaction(isolation: .repeatableRead, access: .readOnly) { session in
                var counts: [Int] = []
                for _ in 0..<2 {
                    var count = 0
                    for try await _ in session.stream(PostgresStatement("SELECT n FROM snapshot")) { count += 1 }
                    counts.append(count)
                    _ = try await client.query(PostgresStatement("INSERT INTO snapshot VALUES (3)"))
                }
                return counts
            }
            #expect(counts == [2, 2])
        }
    }

    @Test func copyGoesOutAndIn() async throws {
        try await withClient(.set(\.connectionsMax, 1)) { client in
            try await client.execute(script: "CREATE TABLE copied (n int, t text)")
            let (chunks, feed) = AsyncStream.makeStream(of: [UInt8].self)
            for n in 1...1000 { feed.yield(Array("\(n)\trow \(n)\n".utf8)) }
            feed.finish()
            #expect(try await client.copyIn("COPY copied FROM STDIN", from: chunks) == 1000)
            var text: [UInt8] = []
            for try await chunk in client.copyOut("COPY (SELECT * FROM copied ORDER BY n) TO STDOUT") {
                #expect(chunk.last == UInt8(ascii: "\n"))
                text += chunk
            }
            let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
            #expect(lines.count == 1000)
            #expect(lines.last == "1000\trow 1000")
        }
    }

    @Test func aCopyThatEndsEarlyKeepsNothing() async throws {
        try await withClient(.set(\.connectionsMax, 1)) { client in
            try await client.execute(script: "CREATE TABLE interrupted (n int)")
            let chunks = AsyncThrowingStream<[UInt8], any Error> { feed in
                feed.yield(Array("1\n".utf8))
                feed.finish(throwing: Unexpected("on purpose"))
            }
            await #expect(throws: Unexpected.self) {
                try await client.copyIn("COPY interrupted FROM STDIN", from: chunks)
            }
            let bad = AsyncStream<[UInt8]> { feed in
                feed.yield(Array("no number\n".utf8))
                feed.finish()
            }
            let error = try await failure { try await client.copyIn("COPY interrupted FROM STDIN", from: bad) }
            #expect(error.sqlState == "22P02")
            let count = try await client.query(PostgresStatement("SELECT count(*) FROM interrupted"))
            #expect(try count.single().decode(0, as: Int.self) == 0)
        }
    }
    @Test func aCancelledCopyKeepsNothing() async throws {
        try await withClient { client in
            try await client.execute(script: "CREATE TABLE cancelled_copy (n int)")
            let (chunks, feed) = AsyncStream.makeStream(of: [UInt8].self)
            feed.yield(Array("1\n2\n".utf8))
            let copy = Task { try await client.copyIn("COPY cancelled_copy FROM STDIN", from: chunks) }
            try await running(client, "COPY cancelled_copy FROM STDIN")
            copy.cancel()
            await #expect(throws: CancellationError.self) { try await copy.value }
            let count = try await client.query(PostgresStatement("SELECT count(*) FROM cancelled_copy"))
            #expect(try count.single().decode(0, as: Int.self) == 0)
        }
    }

    /// A Unix socket is full or has room within microseconds: among so many pieces, room comes in the midst of a look.
    @Test func aCopyGoesOnWhenRoomComesWhileItsThreadIsAwake() async throws {
        let server = try await TestServer.shared
        let client = PostgresClient(try PostgresConfiguration(url: server.socketURL), logger: quiet)
        try await client.execute(script: "CREATE TABLE fed (t text)")
        let row = [UInt8](repeating: UInt8(ascii: "x"), count: 7999) + [UInt8(ascii: "\n")]
        let copied = try await client.copyIn(
            "COPY fed FROM STDIN WHERE false", from: Pieces(piece: row, count: 100_000), deadline: .after(.seconds(60)))
        #expect(copied == 0)
        await client.close()
    }

    @Test func aCopyLeftEarlyGivesItsConnectionBackClean() async throws {
        try await withClient(.set(\.connectionsMax, 1)) { client in
            for try await _ in client.copyOut("COPY (SELECT generate_series(1, 1000000)) TO STDOUT") { break }
            let rows = try await client.withSession { try await $0.query(PostgresStatement("SELECT 7")) }
            #expect(try rows.single().decode(0, as: Int.self) == 7)
        }
    }
}

/// The same piece again and again.
private struct Pieces: AsyncSequence {
    let piece: [UInt8]
    let count: Int

    struct Iterator: AsyncIteratorProtocol {
        let piece: [UInt8]
        var left: Int

        mutating func next() async -> [UInt8]? {
            left -= 1
            return left < 0 ? nil : piece
        }
    }

    func makeAsyncIterator() -> Iterator { Iterator(piece: piece, left: count) }
}
