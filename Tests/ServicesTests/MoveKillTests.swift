import Foundation
import Postgres
import QuartetStack
import SystemTesting
import Testing

@testable import QuartetDatabases

/// `quartet move`, killed while it copies, goes on where it was.
@Suite("Killed moves", .timeLimit(.minutes(5))) struct MoveKillTests {
    private static let users = 250_000
    private static let legacy = """
        CREATE TABLE users (
            user_id uuid PRIMARY KEY, nickname text NOT NULL, version bigint NOT NULL, created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL);
        INSERT INTO users SELECT md5(n::text)::uuid, repeat('user ', 20) || n, n, now(), now()
        FROM generate_series(1, \(users)) n;
        """

    @Test("what was copied whole stays, what was not is not there, and nothing is copied twice")
    func killed() async throws {
        try await House.open(.threeDatabases) { house in
            try await house.withLegacyDatabase(Self.legacy) { source, url in
                let folder = try TemporaryFolder.make()
                defer { try? FileManager.default.removeItem(at: folder) }
                // In the midst of the first piece, and of the second one. The next one begins while the server still takes what
                // the dead one had sent.
                for place in [0, 100_000] {
                    let move = try house.startQuartet(["move", "--from", url], folder)
                    do {
                        try await Self.eventually(house, move) {
                            """
                            SELECT (SELECT count(*) FROM auth.users) >= \(place) AND EXISTS (
                                SELECT FROM pg_stat_progress_copy WHERE datname = current_database() AND tuples_processed > 0)
                            """
                        }
                    } catch {
                        await move.kill()
                        throw error
                    }
                    await move.kill()
                    #expect(move.end == .signal(SIGKILL), "\(move.lastWords)")
                }
                let last = try await house.quartet(["move", "--from", url], folder)
                #expect(last.end == .status(0), "\(last.output) \(last.lastWords)")
                let digest = "SELECT count(*) || ' ' || sum(version) || ' ' || sum(length(nickname)) FROM "
                let there = try await source.query(PostgresStatement(digest + "users")).single()
                #expect(
                    try await house.value(digest + "auth.users", in: .dropship) == there.decode(0, as: String.self))
                let noted = "SELECT rows || ' ' || is_whole FROM events.moves WHERE name = 'users'"
                #expect(try await house.value(noted, in: .dropship) == "\(Self.users) true")
            }
        }
    }

    /// - Throws: `TestFailure` where the process that is to bring it about ends before.
    private static func eventually(
        _ house: House, _ process: TestProcess, _ question: () -> String
    ) async throws {
        let client = try house.databases.client(of: .dropship)
        while true {
            let look = PostgresStatement(question(), name: "look")
            if try await client.query(look).single().decode(0, as: Bool.self) { return }
            if process.end != nil { throw TestFailure("it ended\(process.lastWords)\n\(process.output)") }
            try await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(10)))
        }
    }
}
