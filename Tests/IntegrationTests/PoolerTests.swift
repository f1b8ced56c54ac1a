import QuartetStack
import QuartetTesting
import SystemTesting
import Testing

/// All roles behind a real PgBouncer.
@Suite(.enabled(if: PgBouncer.isPresent, "pgbouncer is not installed: infra/setup"))
struct PoolerSystemTests {
    @Test(.timeLimit(.minutes(3)), arguments: PgBouncer.Mode.allCases)
    func analysesGoThroughAPool(_ mode: PgBouncer.Mode) async throws {
        try await QuartetSystem.run(on: TestStack.shared) { system in
            let pooler = PgBouncer(directory: system.folder, before: system.stack.postgres, mode: mode)
            try await pooler.start()
            do {
                try await analyse(system, pooler, mode)
            } catch {
                await pooler.kill()
                throw error
            }
            await pooler.kill()
        }
    }

    private func analyse(_ system: QuartetSystem, _ pooler: PgBouncer, _ mode: PgBouncer.Mode) async throws {
        var settings = ["DB_POOLING": mode == .session ? "session" : "auto"]
        for database in ["source", "dropship", "market"] {
            settings["\(database.uppercased())_DATABASE_URL"] = pooler.url(database: "\(database)_\(system.name)")
        }
        let (process, shop) = try await system.serve(with: ["relay", "work", "invalidate"], settings: settings)
        try await shop.addProduct("p", reviews: 12)
        var ids = [try await shop.submitted("p"), try await shop.submitted("p")]
        for id in ids { #expect(try await shop.closed(id).status == "completed") }
        ids.append(try await shop.submitted("p"))
        #expect(try await shop.closed(ids[2]).status == "completed")
        try await Story(system.stores).expectCompleted(ids)
        #expect(process.log.contains("a connection pool is between") == (mode == .transaction))

        #expect(try await process.stop() == .status(0))

        // What needs a session says so, where there is none, and works where there is.
        let check = try system.start(["check", "--full"], settings: settings.merging(QuartetSystem.quickCheck) { $1 })
        let end = try await check.waitForEnd()
        if mode == .session {
            #expect(end == .status(0), "\(check.log)\(check.output)")
        } else {
            #expect(end == .status(2) && check.log.contains("db.pooling"), "\(check.log)")
        }
    }
}
