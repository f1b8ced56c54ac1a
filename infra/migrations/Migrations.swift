/// The databases, in the order in which they are migrated.
package enum DatabaseName: String, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    /// What suppliers say.
    case source
    /// Products, analyses and their events.
    case dropship
    /// What is offered where.
    case market

    package var description: String { rawValue }
}

/// One step of a database's schema. Its SQL names tables by placeholder: `{products}`.
package struct Migration: Sendable, Hashable {
    /// 1 for a database's first, then one more each time.
    package let version: Int
    package let name: String
    package let sql: String

    package init(version: Int, name: String, sql: String) {
        self.version = version
        self.name = name
        self.sql = sql
    }

    /// 16 hexadecimal digits over the file's bytes: tells an edited file from the one that was applied.
    ///
    /// It guards against mistakes, not against malice, so FNV-1a is enough.
    package var checksum: String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in sql.utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// Every migration of this build.
package enum Migrations {
    /// A database's migrations, oldest first.
    package static func of(_ database: DatabaseName) -> [Migration] {
        switch database {
        case .source:
            [
                migration(1, "source", PackageResources._001_source_sql),
                migration(2, "events", outbox),
                migration(3, "waiting", waiting),
            ]
        case .dropship:
            [
                migration(1, "dropship", PackageResources._001_dropship_sql),
                migration(2, "consistency", PackageResources._002_consistency_sql),
                migration(3, "audit", PackageResources._003_audit_sql),
                migration(
                    4, "events", PackageResources._004_before_sql + outbox + PackageResources._004_events_sql),
                migration(5, "auth", PackageResources._005_auth_sql),
                migration(6, "waiting", waiting),
            ]
        case .market:
            [
                migration(1, "market", PackageResources._001_market_sql),
                migration(2, "events", outbox),
                migration(3, "my", PackageResources._003_my_sql),
                migration(4, "waiting", waiting),
                migration(5, "projections", PackageResources._005_projections_sql),
            ]
        }
    }

    /// The same in every database.
    private static var outbox: [UInt8] { PackageResources._001_outbox_sql }
    private static var waiting: [UInt8] { PackageResources._002_waiting_sql }

    private static func migration(_ version: Int, _ name: String, _ bytes: [UInt8]) -> Migration {
        Migration(version: version, name: name, sql: String(decoding: bytes, as: UTF8.self))
    }
}
