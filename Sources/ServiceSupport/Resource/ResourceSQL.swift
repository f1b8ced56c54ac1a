import QuartetCore

/// The statements of a resource, out of its declaration. A row comes as one JSON object and goes as one: PostgreSQL itself
/// makes columns of the one and the other of them.
struct ResourceSQL {
    let resource: Resource

    private var table: String { "{\(resource.table)}" }
    private var source: String { resource.source ?? table }
    private var key: String { resource.key }
    private var names: [String] { resource.writable.map(\.name) }
    private let nextVersion = "version = greatest(t.version + 1, (SELECT {first_version}()))"
    private let changedNow = "updated_at = greatest(now(), t.created_at)"

    init(_ resource: Resource) {
        self.resource = resource
    }

    /// Key, version and document of a row.
    private func row(_ alias: String) -> String { "\(alias).\(key), \(alias).version, \(document(alias))" }

    func document(_ alias: String) -> String {
        let fields =
            ["'id', \(alias).\(key)"] + (resource.shown.map { "'\($0.name)', \(alias).\($0.name)" })
            + ["version", "created_at", "updated_at"].map { "'\($0)', \(alias).\($0)" }
        return "json_strip_nulls(json_build_object(\(fields.joined(separator: ", "))))::text"
    }

    /// What an event says: the fields that callers may set and see, those without a value too.
    private func payload(_ alias: String) -> String {
        let names = resource.writable.filter { !$0.traits.contains(.secret) }.map(\.name)
        return "json_build_object(\(names.map { "'\($0)', \(alias).\($0)" }.joined(separator: ", ")))"
    }

    private func value(_ column: Column, of alias: String) -> String {
        column.fallback.map { "coalesce(\(alias).\(column.name), \($0))" } ?? "\(alias).\(column.name)"
    }

    /// The event of rows that were changed, whose type is an expression over them.
    private func event(_ type: String) -> String {
        guard resource.events != nil else { return "event AS (SELECT 1)" }
        return """
            event AS MATERIALIZED (
                SELECT {emit}(c.event_type, array_agg(c.\(key)), array_agg(c.version), array_agg(\(payload("c"))))
                FROM (SELECT *, \(type) AS event_type FROM changed ORDER BY \(key)) c GROUP BY c.event_type
            )
            """
    }

    private func answer() -> String {
        "SELECT \(row("changed")) FROM changed CROSS JOIN (SELECT count(*) FROM event) e"
    }

    /// $1: keys.
    var byKey: String {
        "SELECT \(row("t")) FROM \(source) t WHERE t.\(key) = ANY ($1::text[]) AND t.deleted_at IS NULL"
    }

    /// $1: an array of documents. Gives those that were not there; one that was deleted is there again.
    var create: String {
        let insert = insertion(
            from: "json_populate_recordset(NULL::\(table), $1::text::json) i", values: "i",
            whereChanged: "t.deleted_at IS NOT NULL")
        return """
            WITH changed AS (\(insert) RETURNING t.*), \(event("'\(resource.events?.created.name ?? "")'::text"))
            \(answer())
            """
    }

    private func insertion(from source: String, values alias: String, whereChanged: String) -> String {
        let values = resource.writable.map { value($0, of: alias) }
        let list = ([key] + names + ["version", "created_at", "updated_at"]).joined(separator: ", ")
        let selected = (["\(alias).\(key)"] + values + ["(SELECT {first_version}())", "now()", "now()"])
        let changes = names.map { "\($0) = excluded.\($0)" }
        return """
            INSERT INTO \(table) AS t (\(list)) SELECT \(selected.joined(separator: ", ")) FROM \(source)
            ORDER BY \(alias).\(key)
            ON CONFLICT (\(key)) DO UPDATE SET \((changes + [nextVersion.replacing("(SELECT {first_version}())", with: "excluded.version"), changedNow, "deleted_at = NULL"]).joined(separator: ", "))
            WHERE \(whereChanged)
            """
    }

    /// $1: the key, $2: a document with the fields to change, $3: the version that it must have, or NULL. Gives the row if
    /// that changed anything.
    var change: String {
        let values = resource.writable.map { column in
            "CASE WHEN g.doc ? '\(column.name)' THEN \(value(column, of: "i")) ELSE t.\(column.name) END"
        }
        let changes = zip(names, values).map { "\($0) = \($1)" } + [nextVersion, changedNow]
        let old = names.map { "t.\($0)" }.joined(separator: ", ")
        return """
            WITH changed AS (
                UPDATE \(table) t SET \(changes.joined(separator: ", "))
                FROM (SELECT $2::text::jsonb AS doc) g CROSS JOIN LATERAL jsonb_populate_record(NULL::\(table), g.doc) i
                WHERE t.\(key) = $1::text AND t.deleted_at IS NULL AND ($3::bigint IS NULL OR t.version = $3)
                    AND ROW(\(values.joined(separator: ", ")))::text IS DISTINCT FROM ROW(\(old))::text
                RETURNING t.*
            ), \(event("'\(resource.events?.updated.name ?? "")'::text"))
            \(answer())
            """
    }

    /// $1: the key, $2: the version that it must have, or NULL. Gives the row's last version.
    var delete: String {
        let event =
            resource.events?.deleted.map {
                "event AS MATERIALIZED (SELECT {emit}('\($0.name)', changed.\(key), changed.version, '{}'::json) FROM changed)"
            } ?? "event AS (SELECT 1)"
        return """
            WITH changed AS (
                UPDATE \(table) t SET deleted_at = now(), \(nextVersion), \(changedNow)
                WHERE t.\(key) = $1::text AND t.deleted_at IS NULL AND ($2::bigint IS NULL OR t.version = $2)
                RETURNING t.\(key), t.version
            ), \(event)
            SELECT changed.version FROM changed CROSS JOIN (SELECT count(*) FROM event) e
            """
    }

    // MARK: Import

    private var stagingTable: String { "staging_\(resource.table)" }

    /// Where a COPY goes to: rows as they were given, by their places.
    var stage: String {
        let columns = resource.writable.map { "\($0.name) \($0.sqlType)" }
        return """
            CREATE TEMPORARY TABLE \(stagingTable) (place bigint, \(key) text COLLATE "C", \(columns.joined(separator: ", ")))
            ON COMMIT DROP
            """
    }

    var copy: String { "COPY \(stagingTable) FROM STDIN" }

    /// Makes rows as they were given, the last one of each key. Gives the keys and versions of those that were changed.
    var merge: String {
        let new = names.map { "excluded.\($0)" }.joined(separator: ", ")
        let old = names.map { "t.\($0)" }.joined(separator: ", ")
        let insert = insertion(
            from: "(SELECT DISTINCT ON (\(key)) * FROM \(stagingTable) ORDER BY \(key), place DESC) s", values: "s",
            whereChanged: "t.deleted_at IS NOT NULL OR ROW(\(old))::text IS DISTINCT FROM ROW(\(new))::text")
        let type =
            "CASE WHEN is_new THEN '\(resource.events?.created.name ?? "")' "
            + "ELSE '\(resource.events?.updated.name ?? "")' END"
        return """
            WITH changed AS (\(insert) RETURNING t.*, xmax = 0 AS is_new), \(event(type))
            SELECT changed.\(key), changed.version FROM changed CROSS JOIN (SELECT count(*) FROM event) e
            """
    }

    // MARK: Lists

    /// $1: how many. Then one parameter for each filter, each bound and each term; then, of a list that goes on, the last row's value and
    /// key. Bounds are of what the list is in the order of.
    func list(
        by sort: String, descending: Bool, filters: [Column], isBounded: (from: Bool, until: Bool) = (false, false),
        terms: Int = 0, goesOn: Bool
    ) -> String {
        let column = sort == "id" ? key : sort
        let type = sort == "id" ? "text" : resource.column(sort)?.sqlType ?? "timestamptz"
        var conditions = ["t.deleted_at IS NULL"]
        for (index, filter) in filters.enumerated() {
            conditions.append("t.\(filter.name) = $\(index + 2)::text::\(filter.sqlType)")
        }
        var first = filters.count + 2
        for (isGiven, sign) in [(isBounded.from, ">="), (isBounded.until, "<")] where isGiven {
            conditions.append("t.\(column) \(sign) $\(first)::text::\(type)")
            first += 1
        }
        for _ in 0..<terms {
            if let search = resource.search { conditions.append(search.condition("$\(first)")) }
            first += 1
        }
        if goesOn {
            let sign = descending ? "<" : ">"
            conditions.append(
                sort == "id"
                    ? "t.\(key) \(sign) $\(first)::text"
                    : "(t.\(column), t.\(key)) \(sign) ($\(first)::text::\(type), $\(first + 1)::text)")
        }
        let direction = descending ? " DESC" : ""
        let order = sort == "id" ? "t.\(key)\(direction)" : "t.\(column)\(direction), t.\(key)\(direction)"
        return """
            SELECT \(row("t")), t.\(column)::text FROM \(source) t WHERE \(conditions.joined(separator: " AND "))
            ORDER BY \(order) LIMIT $1::bigint
            """
    }
}
