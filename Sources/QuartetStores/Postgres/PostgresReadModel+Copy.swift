import ClientSupport
import Foundation
import Postgres
import QuartetCore
import QuartetDatabases

/// Copying the source, one process at a time. Pages of rows go from the one server to the other as they are, in the order of
/// their keys; while one is written the next is read.
extension PostgresReadModel {
    private static let lockKey: Int64 = 0x7175_6172_7465_7402
    private static let timeMax: Duration = .seconds(3600)
    private static let swapPatience: Duration = .seconds(60)

    /// What a copy took.
    package struct CopyTimes: Sendable {
        package var rows = 0
        /// Seconds that reading and writing took; they go side by side.
        package var reading = 0.0
        package var writing = 0.0
        package var total = 0.0
    }

    /// Copies the source into the copy while events go on: versions decide. One that was cut off goes on.
    ///
    /// - Parameters:
    ///   - holder: who that is, for others that want to.
    ///   - observe: told how many rows were copied, those of the one that was cut off among them.
    package func bootstrap(
        as holder: String, pageRows: Int = 20_000, observe: (Int) -> Void
    ) async throws -> CopyTimes {
        try await exclusively(as: holder) { session in
            let begin = try statements.named("begin_copy")
            let (after, before) = try await session.query(
                PostgresStatement(begin.sql, name: begin.name, projection.name, holder)
            ).single().decode(String?.self, Int.self)
            let take = try statements.named("take_page").sql
            let keep = try statements.named("keep_page").sql
            let note = try statements.named("note_page")
            let times = try await pages(after: after, pageRows) { page in
                try await session.execute(script: take)
                let rows = try await session.copyIn(
                    "COPY copied_page (\(columnList)) FROM STDIN (FORMAT binary)", from: Chunks(page.bytes),
                    deadline: .after(Self.timeMax))
                try await session.execute(script: keep, deadline: .after(Self.timeMax))
                if let last = page.last {
                    _ = try await session.query(
                        PostgresStatement(note.sql, name: note.name, projection.name, last, rows))
                }
                try await session.execute(script: "COMMIT", deadline: .after(Self.timeMax))
                Failpoint.pageCopied.reached()
                return rows
            } observe: {
                observe(before + $0)
            }
            let end = try statements.named("end_copy")
            _ = try await session.query(PostgresStatement(end.sql, name: end.name, projection.name))
            return times
        }
    }

    /// Makes a new copy beside the old one and puts it in its place in one transaction.
    package func rebuild(
        as holder: String, pageRows: Int = 20_000, observe: (Int) -> Void
    ) async throws -> CopyTimes {
        try await exclusively(as: holder) { session in
            let begin = try statements.named("begin_rebuild")
            _ = try await session.query(PostgresStatement(begin.sql, name: begin.name, projection.name, holder))
            try await session.execute(script: try statements.named("make_next").sql)
            let fill = try statements.named("fill_next").sql
            let times = try await pages(after: nil, pageRows) { page in
                try await session.copyIn(fill, from: Chunks(page.bytes), deadline: .after(Self.timeMax))
            } observe: {
                observe($0)
            }
            let swap = try statements.named("swap_next").sql
            try await inTurns { try await session.execute(script: swap, deadline: .after(Self.timeMax)) }
            return times
        }
    }

    private var columnList: String { projection.allColumns.joined(separator: ", ") }

    private func exclusively<Value: Sendable>(
        as holder: String, _ body: (PostgresSession) async throws -> Value
    ) async throws -> Value {
        let client = try statements.named("begin_copy").client
        let key = Self.lockKey ^ Int64(truncatingIfNeeded: projection.name.stableHash << 8)
        let value = try await client.withAdvisoryLockIfFree(key) { session in
            try await explaining { try await body(session) }
        }
        if let value { return value }
        let row = try await statements.named("holder").run(projection.name).first
        let noted = try row.map { try $0.decode(0, as: String?.self) } ?? nil
        let connection = try await client.holder(ofAdvisoryLock: key)
        let who = [noted, connection].compactMap(\.self).joined(separator: ", ")
        throw PostgresStoreError(
            .contention,
            "\(projection.name) is being copied already by \(who.isEmpty ? "somebody else" : who): wait for it, or stop it"
        )
    }

    // MARK: Pages

    private struct Page: Sendable {
        /// As COPY gives them.
        let bytes: [UInt8]
        /// Nil for the last page.
        let last: String?
    }

    /// Reads pages and hands them to `write`, which says how many rows each had, while the next is read.
    private func pages(
        after: String?, _ pageRows: Int, write: (Page) async throws -> Int, observe: (Int) -> Void
    ) async throws -> CopyTimes {
        var times = CopyTimes()
        let started = ContinuousClock.now
        var (page, reading) = try await read(after: after, pageRows)
        while true {
            times.reading += reading.seconds
            let present = page
            async let next = following(present, pageRows)
            let writing = ContinuousClock.now
            times.rows += try await write(present)
            times.writing += writing.duration(to: .now).seconds
            observe(times.rows)
            guard let following = try await next else { break }
            (page, reading) = following
        }
        times.total = started.duration(to: .now).seconds
        return times
    }

    private func following(_ page: Page, _ pageRows: Int) async throws -> (page: Page, took: Duration)? {
        guard let last = page.last else { return nil }
        return try await read(after: last, pageRows)
    }

    private func read(after: String?, _ pageRows: Int) async throws -> (page: Page, took: Duration) {
        let started = ContinuousClock.now
        let end: String? =
            if let after {
                try await statements.named("page_end").runAlone(after, pageRows).first.map {
                    try $0.decode(0, as: String.self)
                }
            } else {
                try await statements.named("first_page_end").runAlone(pageRows).first.map {
                    try $0.decode(0, as: String.self)
                }
            }
        let key = projection.key
        let bounds =
            [after.map { "\(key.column) > \(Self.literal($0))::\(key.type)" }]
            + [end.map { "\(key.column) <= \(Self.literal($0))::\(key.type)" }]
        let range = bounds.compactMap(\.self).joined(separator: " AND ")
        let statement = try statements.named("page")
        var bytes: [UInt8] = []
        let sql = statement.sql.replacingOccurrences(of: "<range>", with: range.isEmpty ? "true" : range)
        for try await chunk in statement.client.copyOut(sql, deadline: .after(Self.timeMax)) { bytes += chunk }
        return (Page(bytes: bytes, last: end), started.duration(to: .now))
    }

    private static func literal(_ text: String) -> String {
        "'\(text.replacingOccurrences(of: "'", with: "''"))'"
    }

    /// Readers of the table come first: it is waited for in short turns.
    private func inTurns(_ body: () async throws -> Void) async throws {
        let deadline = Deadline.after(Self.swapPatience)
        let backoff = Backoff(base: .milliseconds(50), max: .seconds(1))
        var attempt = 0
        while true {
            do {
                return try await body()
            } catch let error as PostgresError where error.isContended {
                let next = ContinuousClock.now.advanced(by: backoff.delay(attempt: attempt))
                guard next < deadline.instant else { throw error }
                try await ContinuousClock().sleep(until: next)
                attempt += 1
            }
        }
    }
}

/// Bytes that are there already, as what is fed to COPY.
private struct Chunks: AsyncSequence, AsyncIteratorProtocol, Sendable {
    typealias Element = [UInt8]
    private var bytes: [UInt8]?

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func next() async -> [UInt8]? {
        defer { bytes = nil }
        return bytes
    }

    func makeAsyncIterator() -> Chunks { self }
}

extension String {
    /// The same in every process: FNV-1a.
    fileprivate var stableHash: UInt64 {
        utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
    }
}
