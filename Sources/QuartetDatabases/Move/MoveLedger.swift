import Postgres

/// How far a move is, in each database that it fills: written in the transaction of the rows that it tells of.
struct MoveLedger {
    static let name = "moves"
    let schema: String

    struct Entry: Sendable {
        let source: String
        /// The key of the last row that is there, as COPY writes it; nil where none is or none is needed.
        let after: [String]?
        let rows: Int
        let isWhole: Bool
    }

    private var table: String { "\(schema).\(Self.name)" }

    func make(_ session: PostgresSession) async throws {
        try await session.execute(
            script: """
                CREATE TABLE IF NOT EXISTS \(table) (
                    name text PRIMARY KEY, source text NOT NULL, after text[], rows bigint NOT NULL,
                    is_whole boolean NOT NULL, moved_at timestamptz NOT NULL DEFAULT now()
                )
                """)
    }

    func entry(of name: String, _ session: PostgresSession) async throws -> Entry? {
        let there = PostgresStatement("SELECT to_regclass($1) IS NOT NULL", name: "move.has_ledger", table)
        guard try await session.query(there).single().decode(0, as: Bool.self) else { return nil }
        let look = PostgresStatement(
            "SELECT source, after, rows, is_whole FROM \(table) WHERE name = $1", name: "move.entry", name)
        guard let row = try await session.query(look).first else { return nil }
        let (source, after, rows, isWhole) = try row.decode(String.self, [String]?.self, Int64.self, Bool.self)
        return Entry(source: source, after: after, rows: Int(rows), isWhole: isWhole)
    }

    func note(_ entry: Entry, of name: String, _ session: PostgresSession) async throws {
        let note = PostgresStatement(
            """
            INSERT INTO \(table) (name, source, after, rows, is_whole) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (name) DO UPDATE SET source = excluded.source, after = excluded.after, rows = excluded.rows,
                is_whole = excluded.is_whole, moved_at = now()
            """, name: "move.note", name, entry.source, entry.after, Int64(entry.rows), entry.isWhole)
        _ = try await session.query(note)
    }

    func forget(_ name: String, _ session: PostgresSession) async throws {
        _ = try await session.query(
            PostgresStatement("DELETE FROM \(table) WHERE name = $1", name: "move.forget", name))
    }
}
