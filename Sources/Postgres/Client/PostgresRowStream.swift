/// The rows of one statement as they come. The statement runs when iteration begins, once for each iterator; the server
/// waits while the reader is slow, so memory stays flat. Leaving the loop cancels the statement.
package struct PostgresRowStream: AsyncSequence, Sendable {
    package typealias Element = PostgresRow
    package typealias Failure = any Error

    let source: StreamSource<[PostgresRow]>

    /// The same rows, several at a time.
    package var chunks: Chunks { Chunks(source: source) }

    package func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(chunks: chunks.makeAsyncIterator())
    }

    package struct AsyncIterator: AsyncIteratorProtocol {
        private var chunks: Chunks.AsyncIterator
        private var chunk: [PostgresRow] = []
        private var position = 0

        init(chunks: Chunks.AsyncIterator) {
            self.chunks = chunks
        }

        package mutating func next() async throws -> PostgresRow? {
            while position == chunk.count {
                guard let next = try await chunks.next() else { return nil }
                chunk = next
                position = 0
            }
            defer { position += 1 }
            return chunk[position]
        }
    }

    package struct Chunks: AsyncSequence, Sendable {
        package typealias Element = [PostgresRow]
        package typealias Failure = any Error

        let source: StreamSource<[PostgresRow]>

        package func makeAsyncIterator() -> AsyncIterator {
            AsyncIterator(batches: BatchIterator(source))
        }

        package struct AsyncIterator: AsyncIteratorProtocol {
            var batches: BatchIterator<[PostgresRow]>

            package mutating func next() async throws -> [PostgresRow]? { try await batches.next() }
        }
    }
}

/// What COPY TO gives, in pieces of whole rows.
package struct PostgresCopyStream: AsyncSequence, Sendable {
    package typealias Element = [UInt8]
    package typealias Failure = any Error

    let source: StreamSource<[UInt8]>

    package func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(batches: BatchIterator(source))
    }

    package struct AsyncIterator: AsyncIteratorProtocol {
        var batches: BatchIterator<[UInt8]>

        package mutating func next() async throws -> [UInt8]? { try await batches.next() }
    }
}

/// Opens its reader when it is first asked, and lets go of it, and with it of the connection, at the end.
struct BatchIterator<Batch: Sendable> {
    private enum State {
        case unopened(StreamSource<Batch>)
        case reading(StreamReader<Batch>)
        case ended
    }

    private var state: State

    init(_ source: StreamSource<Batch>) {
        state = .unopened(source)
    }

    mutating func next() async throws -> Batch? {
        let reader: StreamReader<Batch>
        switch state {
        case .unopened(let source): reader = try await source.open()
        case .reading(let open): reader = open
        case .ended: return nil
        }
        state = .ended
        guard let batch = try await reader.next() else { return nil }
        state = .reading(reader)
        return batch
    }
}
