import Postgres
import QuartetDatabases
import QuartetService
import QuartetStores

/// Whether the copy of the users went forward only, and came to be what its source is.
struct UserVerdict: Sendable {
    let clients: StoreClients

    /// Has the database write down each change of the copy, in its order.
    func prepare() async throws {
        let sql = try clients.configuration.tables.render(
            """
            CREATE TABLE storm_applied (n bigserial PRIMARY KEY, user_id uuid NOT NULL, version bigint NOT NULL);
            CREATE FUNCTION storm_note() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                INSERT INTO public.storm_applied (user_id, version) VALUES (NEW.user_id, NEW.version);
                RETURN NEW;
            END $$;
            CREATE TRIGGER storm_note AFTER INSERT OR UPDATE ON {users_view} FOR EACH ROW EXECUTE FUNCTION storm_note();
            """, label: "storm"
        ).sql
        try await market().execute(script: sql)
    }

    func judge(_ record: UserCallers.Record) async throws -> [String] {
        let source = try await versions("SELECT user_id::text, version FROM {users}")
        let copy = try await versions("SELECT user_id::text, version FROM {users_view}")
        var findings: [String] = []
        for (user, version) in record.versions where source[user] ?? 0 < version {
            findings.append(
                "user \(user): version \(version) was answered, \(source[user] ?? 0) is stored")
        }
        for (user, version) in source where copy[user] != version {
            findings.append("user \(user) is at version \(version), its copy at \(copy[user] ?? 0)")
        }
        for user in copy.keys where source[user] == nil {
            findings.append("the copy has a user \(user) of its own")
        }
        let backward = try await market().query(
            PostgresStatement(
                """
                SELECT user_id::text, version, before FROM (
                    SELECT user_id, version, lag(version) OVER (PARTITION BY user_id ORDER BY n) AS before FROM storm_applied
                ) changes WHERE version <= before
                """, name: "storm_backward"))
        for row in backward {
            let (user, version, before) = try row.decode(String.self, Int64.self, Int64.self)
            findings.append("user \(user): version \(version) was applied behind \(before)")
        }
        return findings.sorted()
    }

    private func market() throws -> PostgresClient {
        try clients.databases.client(of: clients.configuration.tables[Table("users_view")].database)
    }

    private func versions(_ sql: String) async throws -> [String: Int64] {
        let rendered = try clients.configuration.tables.render(sql, label: "storm")
        guard let database = rendered.databases.first else { return [:] }
        let rows = try await clients.databases.client(of: database).query(
            PostgresStatement(rendered.sql, name: "storm_users"))
        return try rows.reduce(into: [:]) { versions, row in
            let (user, version) = try row.decode(String.self, Int64.self)
            versions[user] = version
        }
    }
}
