import ClientSupport
import Foundation
import Postgres
import QuartetDatabases

/// A database: its server, rights, replication, and what holds it up.
struct DatabaseVisit: DoctorVisit {
    let name: DatabaseName
    let client: PostgresClient
    let deadline: @Sendable () -> Deadline

    var subject: String { "database \(name)" }
    var key: String { "\(name).database.url" }

    func lines() async throws -> [DoctorLine] {
        var lines = try await server()
        lines += try await replication()
        lines += try await transactions()
        return lines
    }

    private func query(_ sql: String) async throws -> PostgresRows {
        try await client.query(PostgresStatement(sql), deadline: deadline())
    }

    private func server() async throws -> [DoctorLine] {
        let before = Date.now.timeIntervalSince1970
        let row = try await query(
            """
            SELECT current_setting('server_version'), current_setting('server_version_num')::bigint,
                pg_is_in_recovery(), extract(epoch FROM clock_timestamp())::float8, current_user::text,
                current_database()::text, has_database_privilege(current_database(), 'CREATE'),
                (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
                current_setting('max_connections')::bigint, current_setting('fsync') = 'on',
                coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false)
            """
        ).single()
        let after = Date.now.timeIntervalSince1970
        let (version, number, isStandby, time, user, database, mayCreate, used, most, isSafe, isEncrypted) =
            try row.decode(
                String.self, Int.self, Bool.self, Double.self, String.self, String.self, Bool.self, Int.self, Int.self,
                Bool.self, Bool.self)
        let extensions = try await query(
            "SELECT extname || ' ' || extversion FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY extname"
        ).map { try $0.decode(0, as: String.self) }
        let words =
            "PostgreSQL \(version), \(database) as \(user), \(isEncrypted ? "encrypted" : "not encrypted"), \(used) of \(most) "
            + "connections, extensions: \(extensions.isEmpty ? "none" : extensions.joined(separator: ", "))"
        var lines: [DoctorLine]
        if isStandby {
            lines = [
                .problem(
                    subject, words + ", a standby",
                    advice: "name the primary in \(key), or all servers with ?target_session_attrs=read-write")
            ]
        } else if number < 130_000 {
            lines = [
                .problem(
                    subject, words, advice: "use PostgreSQL 13 or later: older ones have no transaction ids of 64 bits")
            ]
        } else if used * 10 > most * 9 {
            lines = [
                .warning(subject, words, advice: "raise max_connections, or lower db.connections_max of the processes")
            ]
        } else {
            lines = [.ok(subject, words)]
        }
        if !isSafe {
            lines.append(
                .warning(
                    "\(subject), durability", "fsync is off",
                    advice: "turn it on: a crash of the machine would lose or damage what was stored"))
        }
        if !mayCreate, !isStandby {
            lines.append(
                .warning(
                    "\(subject), rights", "\(user) may not create schemas",
                    advice:
                        "GRANT CREATE ON DATABASE \(database) TO \(user), or run `quartet migrate` as somebody who may")
            )
        }
        return lines + [.clock(subject, said: time, between: before, and: after)]
    }

    private func replication() async throws -> [DoctorLine] {
        guard try await !query("SELECT pg_is_in_recovery()").single().decode(0, as: Bool.self) else { return [] }
        let standbys = try await query(
            """
            SELECT coalesce(nullif(application_name, ''), client_addr::text, 'unnamed'), coalesce(state, 'not shown to this user'),
                coalesce(sync_state, '?'), coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn), 0)::bigint
            FROM pg_stat_replication ORDER BY 1
            """
        ).map { try $0.decode(String.self, String.self, String.self, Int.self) }
        var lines = standbys.map { name, state, sync, behind in
            let (subject, words) = ("\(subject), standby \(name)", "\(state), \(sync), \(behind) bytes behind")
            return behind > 256 << 20
                ? DoctorLine.warning(
                    subject, words, advice: "see why it does not keep up: it would be promoted without them")
                : .ok(subject, words)
        }
        if lines.isEmpty { lines.append(.ok("\(subject), replication", "no standby")) }
        lines += try await query(
            """
            SELECT slot_name::text, coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::bigint
            FROM pg_replication_slots WHERE NOT active ORDER BY 1
            """
        ).map { row in
            let (name, kept) = try row.decode(String.self, Int.self)
            return .warning(
                "\(subject), slot \(name)", "nobody reads it, \(kept >> 20) MiB of WAL are kept for it",
                advice: "drop it with pg_drop_replication_slot('\(name)') if nobody will")
        }
        return lines
    }

    /// They hold nothing of Quartet up, but servers suffer from them.
    private func transactions() async throws -> [DoctorLine] {
        let old = try await query(
            """
            SELECT 'the session with pid ' || pid || coalesce(' of ' || usename, ''),
                extract(epoch FROM clock_timestamp() - xact_start)::bigint, 'pg_terminate_backend(' || pid || ')'
            FROM pg_stat_activity
            WHERE xact_start < clock_timestamp() - interval '10 min' AND backend_type = 'client backend'
            UNION ALL
            SELECT 'the prepared transaction ' || gid, extract(epoch FROM clock_timestamp() - prepared)::bigint,
                'ROLLBACK PREPARED ''' || gid || ''''
            FROM pg_prepared_xacts WHERE prepared < clock_timestamp() - interval '10 min' AND database = current_database()
            ORDER BY 2 DESC LIMIT 10
            """
        ).map { try $0.decode(String.self, Int.self, String.self) }
        return old.map { who, seconds, cure in
            .warning(
                "\(subject), transactions", "\(who) has been in one for \(seconds / 60) min",
                advice: "end it with \(cure) if nobody needs it: nothing is vacuumed meanwhile")
        }
    }
}

/// A service's or an outbox's schema and its tables.
struct SchemaVisit: DoctorVisit {
    let history: Migrator.History
    let databases: Databases
    let migrator: Migrator
    let deadline: @Sendable () -> Deadline

    var subject: String { "schema of \(history.name)" }
    var key: String { "\(history.database).database.url" }

    func lines() async throws -> [DoctorLine] {
        var lines: [DoctorLine] = []
        var pending = 0
        do {
            pending = try await migrator.pending(history)
            lines.append(
                pending == 0
                    ? .ok(subject, "in database \(history.database), as this build needs it")
                    : .problem(
                        subject,
                        "\(pending) migration\(pending == 1 ? "" : "s") behind in database \(history.database)",
                        advice: "run `quartet migrate`"))
        } catch let error as PostgresStoreError {
            lines.append(
                .problem(subject, "\(error)", advice: "run the build that this schema is of, or restore the schema"))
        }
        guard let service = history.service else { return lines }
        return lines + (try await tables(of: service, pending: pending))
    }

    private func tables(of service: ServiceSchema, pending: Int) async throws -> [DoctorLine] {
        let place = databases.tables.place(of: service)
        let names = service.tables.map { "\(place.schema).\($0)" }
        let rows = try await databases.client(of: service).query(
            PostgresStatement(
                """
                SELECT t.name, c.oid IS NOT NULL, coalesce(c.reltuples, 0)::bigint, current_user::text, (
                    SELECT string_agg(p.name, ', ' ORDER BY p.place)
                    FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) WITH ORDINALITY AS p (name, place)
                    WHERE c.oid IS NOT NULL AND NOT has_table_privilege(c.oid, p.name))
                FROM unnest($1::text[]) WITH ORDINALITY AS t (name, place)
                LEFT JOIN pg_class c ON c.oid = to_regclass(t.name) ORDER BY t.place
                """, names), deadline: deadline())
        return try rows.map { row in
            let (name, isThere, count, user, missing) = try row.decode(
                String.self, Bool.self, Int.self, String.self, String?.self)
            let subject = "table \(name)"
            guard isThere else {
                return .problem(
                    subject, "not in database \(place.database), or not for \(user)",
                    advice: (pending > 0 ? "run `quartet migrate`" : "restore it: migrations made it once")
                        + ", or GRANT USAGE ON SCHEMA \(place.schema) TO \(user)")
            }
            if let missing {
                return .problem(
                    subject, "\(user) lacks \(missing)",
                    advice: "GRANT \(missing) ON \(name) TO \(user), or set the service's role")
            }
            return .ok(
                subject, "in database \(place.database), \(count < 0 ? "not analysed yet" : "about \(count) rows")")
        }
    }
}
