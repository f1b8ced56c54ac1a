import Postgres

extension PostgresClient {
    /// Who holds an advisory lock, as the server knows it; nil if nobody does.
    func holder(ofAdvisoryLock key: Int64) async throws -> String? {
        let connections = try await query(
            PostgresStatement(
                """
                SELECT 'process ' || a.pid || ' (' || coalesce(nullif(a.application_name, ''), 'no name') || ', from '
                    || coalesce(host(a.client_addr), 'a local socket') || ')'
                FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
                WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
                    AND (l.classid::bigint << 32 | l.objid::bigint) = $1::bigint
                    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                """, name: "lock_holder", key))
        return try connections.first.map { try $0.decode(0, as: String.self) }
    }
}
