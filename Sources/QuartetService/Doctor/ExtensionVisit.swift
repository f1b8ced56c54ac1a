import ClientSupport
import Postgres
import QuartetDatabases

/// An extension of PostgreSQL that a part of a service takes, and all else does without.
struct ExtensionVisit: DoctorVisit {
    let part: ExtensionPart
    let service: ServiceSchema
    let databases: Databases
    let deadline: @Sendable () -> Deadline

    var subject: String { "extension \(part.name) of \(service.name)" }
    var key: String { "\(databases.tables.place(of: service).database).database.url" }

    func lines() async throws -> [DoctorLine] {
        let database = databases.tables.place(of: service).database
        let look = PostgresStatement(
            """
            SELECT (SELECT extversion FROM pg_extension WHERE extname = $1),
                (SELECT default_version FROM pg_available_extensions WHERE name = $1)
            """, name: "extension", part.name)
        let (present, available) = try await databases.client(of: service).query(look, deadline: deadline()).single()
            .decode(String?.self, String?.self)
        if let present, part.accepts(present) { return [.ok(subject, "\(present) in database \(database)")] }
        let needed = part.versionMin.map(String.init).joined(separator: ".")
        let words = present.map { "version \($0), not \(needed)" } ?? "not in database \(database)"
        let cure: String
        switch (present, available) {
        case (_?, let version?) where part.accepts(version): cure = "say ALTER EXTENSION \(part.name) UPDATE there"
        case (nil, let version?) where part.accepts(version):
            cure = "where it may not make it, say CREATE EXTENSION \(part.name) there first"
        default: cure = "install \(needed) or later on its server first"
        }
        return [
            .warning(subject, "\(words): calls that take it are refused", advice: "run `quartet migrate`; \(cure)")
        ]
    }
}
