import Foundation
import Postgres

/// What PostgreSQL says of a database's tables. Names are quoted as SQL wants them.
struct MoveCatalog {
    let session: PostgresSession

    struct Relation: Sendable, Equatable {
        let schema: String
        let name: String
        var quoted: String { "\(MoveCatalog.quoted(schema)).\(MoveCatalog.quoted(name))" }
        var described: String { "\(schema).\(name)" }
    }

    struct Column {
        let name: String
        let type: String
        let isRequired: Bool
        let isGenerated: Bool
        let isCollated: Bool
        /// What gives its numbers, as an identity or a serial.
        let sequence: String?
    }

    struct Constraint {
        let table: Relation
        let name: String
        let target: Relation
        let definition: String
        let columns: [String]
    }

    static func quoted(_ name: String) -> String { "\"\(name.replacingOccurrences(of: "\"", with: "\"\""))\"" }
    static func literal(_ text: String) -> String { "'\(text.replacingOccurrences(of: "'", with: "''"))'" }

    /// The same for whoever looks at this database, and for no other.
    func identity() async throws -> String {
        try await text(
            "SELECT current_database() || ' of ' || system_identifier FROM pg_control_system()", "move.identity")
    }

    func tables() async throws -> [Relation] {
        try await rows(
            """
            SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname <> 'information_schema'
                AND n.nspname NOT LIKE 'pg\\_%'
            ORDER BY 1, 2
            """, "move.tables"
        ).map {
            let (schema, name) = try $0.decode(String.self, String.self)
            return Relation(schema: schema, name: name)
        }
    }

    func columns(of table: Relation) async throws -> [Column] {
        try await rows(
            """
            SELECT a.attname::text, format_type(a.atttypid, a.atttypmod),
                a.attnotnull AND NOT a.atthasdef AND a.attidentity = '', a.attgenerated <> '', a.attcollation <> 0,
                pg_get_serial_sequence($1, a.attname)
            FROM pg_attribute a WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped
            ORDER BY a.attnum
            """, "move.columns", table.quoted
        ).map {
            let (name, type, isRequired, isGenerated, isCollated, sequence) = try $0.decode(
                String.self, String.self, Bool.self, Bool.self, Bool.self, String?.self)
            return Column(
                name: name, type: type, isRequired: isRequired, isGenerated: isGenerated, isCollated: isCollated,
                sequence: sequence)
        }
    }

    func key(of table: Relation) async throws -> [String] {
        try await rows(
            """
            SELECT a.attname::text
            FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)
                JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
            WHERE i.indrelid = $1::regclass AND i.indisprimary ORDER BY k.place
            """, "move.key", table.quoted
        ).map { try $0.decode(0, as: String.self) }
    }

    func foreignKeys() async throws -> [Constraint] {
        try await rows(
            """
            SELECT n.nspname::text, c.relname::text, k.conname::text, fn.nspname::text, f.relname::text,
                pg_get_constraintdef(k.oid),
                ARRAY(SELECT a.attname::text FROM unnest(k.conkey) AS p (attnum)
                    JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = p.attnum)
            FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
                JOIN pg_class f ON f.oid = k.confrelid JOIN pg_namespace fn ON fn.oid = f.relnamespace
            WHERE k.contype = 'f' AND k.conparentid = 0 ORDER BY 1, 2, 3
            """, "move.foreign_keys"
        ).map {
            let (schema, table, name, otherSchema, other, definition, columns) = try $0.decode(
                String.self, String.self, String.self, String.self, String.self, String.self, [String].self)
            return Constraint(
                table: Relation(schema: schema, name: table), name: name,
                target: Relation(schema: otherSchema, name: other), definition: definition, columns: columns)
        }
    }

    /// The extensions that the types of a table's columns are of.
    func extensions(of table: Relation) async throws -> [String] {
        try await rows(
            """
            SELECT DISTINCT e.extname::text
            FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
                JOIN pg_depend d ON d.classid = 'pg_type'::regclass AND d.objid IN (t.oid, t.typelem) AND d.deptype = 'e'
                JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid
            WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1
            """, "move.extensions", table.quoted
        ).map { try $0.decode(0, as: String.self) }
    }

    /// Sinks to which the outboxes of this database still have to deliver.
    func undelivered() async throws -> [String] {
        let outboxes = try await rows(
            """
            SELECT quote_ident(n.nspname) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
            WHERE p.proname = 'outbox_waiting' AND to_regclass(quote_ident(n.nspname) || '.outbox_cursors') IS NOT NULL
            """, "move.outboxes")
        var sinks: Set<String> = []
        for schema in try outboxes.map({ try $0.decode(0, as: String.self) }) {
            let waiting = try await rows(
                """
                SELECT DISTINCT c.sink::text FROM \(schema).outbox_cursors c
                WHERE EXISTS (
                    SELECT 1 FROM \(schema).outbox_waiting(c.shard, c.position, c.pending, c.pending_after, 1))
                """, "move.undelivered")
            sinks.formUnion(try waiting.map { "\(try $0.decode(0, as: String.self)) of \(schema)" })
        }
        return sinks.sorted()
    }

    func count(of table: Relation) async throws -> Int {
        Int(try await single("SELECT count(*) FROM \(table.quoted)", "move.count").decode(0, as: Int64.self))
    }

    func hasRows(_ table: Relation) async throws -> Bool {
        try await single("SELECT EXISTS (SELECT 1 FROM \(table.quoted))", "move.has_rows").decode(0, as: Bool.self)
    }

    func text(_ sql: String, _ name: String) async throws -> String {
        try await single(sql, name).decode(0, as: String.self)
    }

    func single(_ sql: String, _ name: String) async throws -> PostgresRow {
        try await session.query(PostgresStatement(sql, name: name), deadline: Move.patience).single()
    }

    private func rows(_ sql: String, _ name: String, _ table: String? = nil) async throws -> PostgresRows {
        let statement =
            if let table { PostgresStatement(sql, name: name, table) } else { PostgresStatement(sql, name: name) }
        return try await session.query(statement, deadline: Move.patience)
    }
}
