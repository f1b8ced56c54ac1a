package import ClientSupport

extension PostgresClient {
    /// A statement's rows as they come, on a connection of its own. Without a deadline it may take as long as it wants.
    package func stream(
        _ statement: PostgresStatement, chunkRows: Int = 512, deadline: Deadline? = nil
    ) -> PostgresRowStream {
        PostgresRowStream(
            source: source(deadline) { .stream(statement, $0, chunkRows: max(1, chunkRows)) })
    }

    /// What `COPY ... TO STDOUT` gives. Without a deadline it may take as long as it wants.
    package func copyOut(_ sql: String, deadline: Deadline? = nil) -> PostgresCopyStream {
        PostgresCopyStream(source: source(deadline) { .script(sql, .output($0)) })
    }

    /// Feeds `COPY ... FROM STDIN`; returns the number of rows. If `chunks` throws, nothing is kept.
    package nonisolated(nonsending) func copyIn<Chunks: AsyncSequence>(
        _ sql: String, from chunks: Chunks, deadline: Deadline? = nil
    ) async throws -> Int where Chunks.Element == [UInt8] {
        try await withSession(deadline: deadline) { try await $0.copyIn(sql, from: chunks, deadline: deadline) }
    }

    private func source<Batch: Sendable>(
        _ deadline: Deadline?, kind: @escaping @Sendable (OutputChannel<Batch>) -> Request.Kind
    ) -> StreamSource<Batch> {
        StreamSource { [pool, configuration] in
            let connection = try await pool.checkout(
                deadline: deadline ?? .after(configuration.statementTimeout))
            return StreamReader(connection, from: pool, deadline: deadline ?? .never, kind: kind)
        }
    }
}

extension PostgresSession {
    /// A statement's rows as they come. Read it to its end, or leave it, before the session's next statement.
    package func stream(
        _ statement: PostgresStatement, chunkRows: Int = 512, deadline: Deadline? = nil
    ) -> PostgresRowStream {
        let limit = deadline ?? self.deadline ?? .never
        return PostgresRowStream(
            source: StreamSource { [connection] in
                StreamReader(connection, from: nil, deadline: limit) {
                    .stream(statement, $0, chunkRows: max(1, chunkRows))
                }
            })
    }

    /// What `COPY ... TO STDOUT` gives. Read it to its end, or leave it, before the session's next statement.
    package func copyOut(_ sql: String, deadline: Deadline? = nil) -> PostgresCopyStream {
        let limit = deadline ?? self.deadline ?? .never
        return PostgresCopyStream(
            source: StreamSource { [connection] in
                StreamReader(connection, from: nil, deadline: limit) { .script(sql, .output($0)) }
            })
    }

    /// Feeds `COPY ... FROM STDIN`; returns the number of rows. If `chunks` throws, nothing is kept.
    package nonisolated(nonsending) func copyIn<Chunks: AsyncSequence>(
        _ sql: String, from chunks: Chunks, deadline: Deadline? = nil
    ) async throws -> Int where Chunks.Element == [UInt8] {
        let channel = FeedChannel(mailbox: connection.mailbox)
        let limit = deadline ?? self.deadline ?? .never
        async let outcome = connection.perform(.script(sql, .input(channel)), deadline: limit)
        var interruption: (any Error)?
        do {
            feeding: for try await chunk in chunks {
                // libpq takes a signed number of four bytes, and copies each piece.
                for start in stride(from: 0, to: chunk.count, by: Self.pieceBytesMax) {
                    let piece = Array(chunk[start..<min(start + Self.pieceBytesMax, chunk.count)])
                    guard await channel.write(.bytes(piece)) else { break feeding }
                }
            }
            // A cancelled source just ends.
            try Task.checkCancellation()
            _ = await channel.write(.end(complaint: nil))
        } catch {
            interruption = error
            _ = await channel.write(.end(complaint: "the data ended early"))
        }
        let finished = await outcome
        if let interruption { throw interruption }
        return try await inTransaction { try finished.single().affected }
    }

    private static var pieceBytesMax: Int { 1 << 20 }
}

extension Deadline {
    /// A hundred years.
    fileprivate static var never: Deadline { .after(.seconds(3_155_760_000)) }
}
