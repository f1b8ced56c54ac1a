import Foundation
import QuartetCore
import QuartetStack
import QuartetTesting
import SystemTesting
import Testing

/// A read model in another database than its source, over each bus.
@Suite(.serialized) struct ProjectionTests {
    static let buses: [EventBus] = RabbitServer.isInstalled ? [.kafka, .rabbitmq] : [.kafka]

    @Test(.timeLimit(.minutes(4)), arguments: buses)
    func theCopyFollowsItsSourceAndComesBack(_ bus: EventBus) async throws {
        try await withSystem(bus) { system in
            let (_, shop) = try await system.serve(with: ["relay"])
            let project = try system.start(
                ["project", "run", "users_view"],
                settings: TestProcess.servingMetrics.merging(["PROJECT_METRICS_INTERVAL": "100ms"]) { $1 })
            let ids = (1...20).map { _ in UUID().uuidString.lowercased() }
            for id in ids { _ = try await put(id, "first", shop) }
            let version = try await put(ids[0], "second", shop)
            let gone = try await shop.call(.delete, "/v1/users/\(ids[1])")
            let deletion = try gone.decoded(as: Versioned.self).version
            #expect(try await shop.call(.delete, "/v1/users/\(ids[1])").status == 404)
            #expect(try await shop.call(.get, "/v1/users/\(ids[1])").status == 404)

            // Who asks for what was written sees it, or is told that it is not there yet.
            let own = try await eventually("the copy has it") { () -> String? in
                let answer = try await shop.call(.get, "/v1/my/users/\(ids[0])?min_version=\(version)")
                return answer.status == 200 ? answer.text : nil
            }
            #expect(own == (try await shop.call(.get, "/v1/users/\(ids[0])").text))
            let early = try await shop.call(.get, "/v1/my/users/\(ids[0])?min_version=\(version + 1_000_000)")
            #expect(early.status == 409 && early.text.contains("version \(version)"))
            try await eventually("the deletion is there") {
                try await shop.call(.get, "/v1/my/users/\(ids[1])?min_version=\(deletion)").status == 404
            }
            try await eventually("all of it is there") { try await rows(of: system, "MARKET") == rows(of: system) }

            // An event of something else than a user.
            _ = try await system.stores.rows(
                "SELECT events.emit('auth.user.updated', 'no uuid', 5::bigint, '{}'::json)")
            try await eventually("it is put aside") {
                try await system.finish(["events", "dead", "list", "--json"]).contains("the subject is no user's id")
            }

            let failed = try await system.finish(["project", "status", "--json"])
            #expect(failed.contains(#""last_error":"an event was put aside: the subject is no user's id""#))

            // The copy is lost while users change, and comes back.
            _ = try await system.stores.rows("TRUNCATE my.users_view", in: "MARKET")
            async let changed = put(ids[2], "meanwhile", shop)
            _ = try await changed
            let told = try await system.finish(["project", "bootstrap", "users_view", "--json"])
            #expect(told.contains(#""rows":19"#) && told.contains(#""source_rows":19"#))
            try await eventually("it is equal") { try await rows(of: system, "MARKET") == rows(of: system) }

            // What was changed by hand no event mends: a rebuild does.
            _ = try await system.stores.rows(
                """
                UPDATE my.users_view SET version = version + 1000, name = 'wrong', applied_at = now() - interval '1 hour'
                WHERE nickname = 'second'
                """, in: "MARKET")
            _ = try await system.finish(["project", "rebuild", "users_view"])
            #expect(try await rows(of: system, "MARKET") == rows(of: system))
            let after = try await put(ids[3], "after", shop)
            try await eventually("events go on") {
                try await shop.call(.get, "/v1/my/users/\(ids[3])?min_version=\(after)").status == 200
            }
            try await eventually("nothing waits") {
                let status = try await system.finish(["project", "status", "--json"])
                return status.contains(#""lag_events":0"#) && status.contains(#""name":"users_view""#)
                    && status.contains(#""buses":["\#(bus)"]"#) && status.contains(#""lag_seconds":0"#)
                    && status.contains(#""position":{"applied_at":"#)
            }
            try await eventually("metrics tell the same") {
                let rows = try await project.metric("quartet_projection_rows")
                let waiting = try await project.metric("quartet_projection_lag_events")
                let lag = try await project.metric("quartet_projection_lag_seconds")
                return rows == 19 && waiting == 0 && lag == 0
            }
            #expect(try await project.metric("quartet_projection_errors_total") == 1)

            // A column less: events wait, and one line says for what.
            _ = try await system.stores.rows("ALTER TABLE my.users_view RENAME COLUMN email TO mail", in: "MARKET")
            let waiting = try await put(ids[4], "waiting", shop)
            try await eventually("it is told") { project.log.contains("users_view is not as quartet migrate made it") }
            _ = try await system.stores.rows("ALTER TABLE my.users_view RENAME COLUMN mail TO email", in: "MARKET")
            try await eventually("events go on again") {
                try await shop.call(.get, "/v1/my/users/\(ids[4])?min_version=\(waiting)").status == 200
            }

            // The checker sees what no event tells, and copies it again.
            _ = try await system.stores.rows(
                "UPDATE my.users_view SET name = 'wrong' WHERE nickname = 'after'", in: "MARKET")
            let settings = ["CHECK_SETTLE_WINDOW": "100ms", "CHECK_SECOND_LOOK_PAUSE": "10ms"]
            let check = try system.start(["check", "--full", "--invariant", "I9"], settings: settings)
            #expect(try await check.waitForEnd() == .status(1))
            _ = try await system.finish(["check", "--full", "--invariant", "I9", "--repair"], settings: settings)
            #expect(try await rows(of: system, "MARKET") == rows(of: system))
            #expect(project.end == nil)
        }
    }

    @Test(.timeLimit(.minutes(3)), arguments: Failpoint.of(.user))
    func aChangeThatWasCutOffCanBeRepeated(_ point: Failpoint) async throws {
        try await withSystem(.kafka) { system in
            let (first, shop) = try await system.serve(settings: point.settings())
            let id = UUID().uuidString.lowercased()
            if point == .userDeleted { _ = try await put(id, "a", shop) }
            await #expect(throws: (any Error).self) {
                if point == .userDeleted {
                    _ = try await shop.call(.delete, "/v1/users/\(id)")
                } else {
                    _ = try await put(id, "a", shop)
                }
            }
            #expect(try await first.waitForEnd() == .signal(SIGKILL))
            let (_, again) = try await system.serve(with: ["relay", "project"])
            let version = try await put(id, "b", again)
            try await eventually("the copy has it") {
                try await again.call(.get, "/v1/my/users/\(id)?min_version=\(version)").text.contains(#""b""#)
            }
        }
    }

    @Test(.timeLimit(.minutes(3)), arguments: Failpoint.of(.projection))
    func whatWasAppliedTwiceIsTheSame(_ point: Failpoint) async throws {
        try await withSystem(.kafka) { system in
            let (_, shop) = try await system.serve(with: ["relay"])
            let killed = try system.start(["project"], settings: point.settings())
            let id = UUID().uuidString.lowercased()
            let version = try await put(id, "a", shop)
            #expect(try await killed.waitForEnd() == .signal(SIGKILL))
            _ = try system.start(["project"])
            let next = try await put(id, "b", shop)
            #expect(next > version)
            try await eventually("the copy has it") {
                try await shop.call(.get, "/v1/my/users/\(id)?min_version=\(next)").status == 200
            }
            #expect(try await rows(of: system, "MARKET") == rows(of: system))
        }
    }

    @Test(.timeLimit(.minutes(3)), arguments: Failpoint.of(.bootstrap))
    func aCopyThatWasCutOffGoesOn(_ point: Failpoint) async throws {
        let settings = ["PROJECT_ROWS_PER_PAGE": "3"]
        try await withSystem(.kafka, settings) { system in
            let (_, shop) = try await system.serve()
            for number in 0..<20 { _ = try await put(UUID().uuidString, "user \(number)", shop) }
            let killed = try system.start(["project", "bootstrap", "users_view"], settings: point.settings(hits: 2))
            #expect(try await killed.waitForEnd() == .signal(SIGKILL))
            let half = try await system.finish(["project", "status", "--json"])
            #expect(half.contains(#""copied_rows":6,"#) && half.contains(#""rows":6,"#))
            let told = try await system.finish(["project", "bootstrap", "users_view", "--json"])
            #expect(told.contains(#""copied_rows":14,"#) && told.contains(#""rows":20,"#), "\(told)")
            #expect(try await rows(of: system, "MARKET") == rows(of: system))
            // One that has ended begins again.
            let again = try await system.finish(["project", "bootstrap", "users_view", "--json"])
            #expect(again.contains(#""copied_rows":20,"#))

            // Nobody copies beside another, who is named, and whose end is the end of it.
            let first = try system.start(
                ["project", "bootstrap", "users_view"], settings: ["QUARTET_FAILPOINT": "\(point.rawValue):stop"])
            try await expectStopped(first)
            for command in ["bootstrap", "rebuild"] {
                let second = try system.start(["project", command, "users_view"])
                #expect(try await second.waitForEnd() == .status(1))
                #expect(second.log.contains("users_view is being copied already by quartet project bootstrap on"))
                #expect(second.log.contains("process \(first.pid), since"), "\(second.log)")
            }
            await first.kill()
            try await eventually("its lock is free") {
                let rebuild = try system.start(["project", "rebuild", "users_view"])
                return try await rebuild.waitForEnd() == .status(0)
            }
            #expect(try await rows(of: system, "MARKET") == rows(of: system))
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func aNewCopyIsReadByWhoeverMightReadTheOldOne() async throws {
        try await withSystem(.kafka) { system in
            let (_, shop) = try await system.serve()
            _ = try await put(UUID().uuidString, "a", shop)
            let role = system.name + "_reader"
            _ = try await system.stores.rows(
                "DO $$ BEGIN CREATE ROLE \(role); GRANT SELECT ON my.users_view TO \(role), PUBLIC; END $$",
                in: "MARKET")
            _ = try await system.finish(["project", "rebuild", "users_view"])
            let privileges = try await system.stores.rows(
                """
                SELECT has_table_privilege('\(role)', 'my.users_view', 'SELECT')::text,
                    has_table_privilege('\(role)', 'my.users_view', 'DELETE')::text
                """, in: "MARKET")
            #expect(privileges == [["true", "false"]])
            _ = try await system.stores.rows(
                "DO $$ BEGIN DROP OWNED BY \(role); DROP ROLE \(role); END $$", in: "MARKET")

            let unknown = try system.start(["project", "run", "user_view"])
            #expect(try await unknown.waitForEnd() != .status(0))
            #expect(unknown.log.contains("user_view is no read model; there are users_view"))
        }
    }

    /// A column that nobody fills makes no event a bad one, and a value that the table does not take makes one.
    @Test(.timeLimit(.minutes(3)))
    func aTableThatWasChangedByHandHoldsEventsUpAndABadEventDoesNot() async throws {
        try await withSystem(.kafka) { system in
            let (_, shop) = try await system.serve(with: ["relay"])
            let project = try system.start(["project"])
            _ = try await system.stores.rows("ALTER TABLE my.users_view ADD COLUMN age int NOT NULL", in: "MARKET")
            let id = UUID().uuidString.lowercased()
            let version = try await put(id, "a", shop)
            try await eventually("it is told") { project.log.contains("users_view is not as quartet migrate made it") }
            #expect(try await system.finish(["project", "status"]).contains("last error"))
            _ = try await system.stores.rows("ALTER TABLE my.users_view DROP COLUMN age", in: "MARKET")
            _ = try await system.stores.rows(
                """
                SELECT events.emit('auth.user.updated', gen_random_uuid()::text, 5::bigint,
                    '{"nickname": "a\\u0000", "name": "a", "email": "a"}'::json)
                """)
            try await eventually("it is put aside") {
                try await system.finish(["events", "dead", "list", "--json"]).contains("can't be applied")
            }
            let next = try await put(id, "b", shop)
            #expect(next > version)
            try await eventually("events go on") {
                try await shop.call(.get, "/v1/my/users/\(id)?min_version=\(next)").status == 200
            }
        }
    }

    /// What is put aside since a table refuses everything comes again once it does not.
    @Test(.timeLimit(.minutes(3)), arguments: Self.buses)
    func anEventWhoseReasonPassesIsTriedAgain(over bus: EventBus) async throws {
        let settings = [
            "EVENTS_REDRIVE_INTERVAL": "200ms", "EVENTS_REDRIVE_PAUSE": "10ms", "RABBITMQ_TRIES_MAX": "1",
        ]
        try await withSystem(bus, settings) { system in
            let (_, shop) = try await system.serve(with: ["relay", "project"])
            let lock =
                "CREATE FUNCTION my.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not now'; END $$"
            _ = try await system.stores.rows(lock, in: "MARKET")
            _ = try await system.stores.rows(
                "CREATE TRIGGER no BEFORE INSERT OR UPDATE ON my.users_view EXECUTE FUNCTION my.no()", in: "MARKET")
            let id = UUID().uuidString.lowercased()
            let version = try await put(id, "a", shop)
            let passing = try Regex("\"\(DeadLetter.passingHeader)\",\"([2-9]|1[0-9]|2[01])\"")
            try await eventually("it was put aside again") {
                try await system.finish(["events", "dead", "list", "--json"]).contains(passing)
            }
            _ = try await system.stores.rows("DROP TRIGGER no ON my.users_view", in: "MARKET")
            try await eventually("it is applied") {
                try await shop.call(.get, "/v1/my/users/\(id)?min_version=\(version)").status == 200
            }
        }
    }

    private struct Versioned: Decodable {
        let version: Int64
    }

    private func put(_ id: String, _ name: String, _ shop: Shop) async throws -> Int64 {
        let answer = try await shop.call(
            .put, "/v1/users/\(id)", json: #"{"nickname": "\#(name)", "name": "\#(name)", "email": "a@b.c"}"#)
        guard answer.status == 200 else { throw TestFailure("\(answer.status) \(answer.text)") }
        return try answer.decoded(as: Versioned.self).version
    }

    /// All users with their versions, at the source or in the copy.
    private func rows(of system: QuartetSystem, _ database: String = "DROPSHIP") async throws -> [[String]] {
        let sql =
            database == "DROPSHIP"
            ? """
            SELECT user_id, nickname, name, email, version FROM auth.users JOIN auth.user_profiles USING (user_id)
            ORDER BY 1
            """ : "SELECT user_id, nickname, name, email, version FROM my.users_view WHERE NOT is_deleted ORDER BY 1"
        return try await system.stores.rows(sql, in: database)
    }

    private func withSystem(
        _ bus: EventBus, _ settings: [String: String] = [:], _ body: (QuartetSystem) async throws -> Void
    ) async throws {
        try await QuartetSystem.withPrivateStack(hasRabbit: bus == .rabbitmq) { stack in
            let bus = stack.rabbit.map { ["RABBITMQ_URL": $0.url, "EVENTS_BUS": "rabbitmq"] } ?? [:]
            try await QuartetSystem.run(on: stack, settings: bus.merging(settings) { $1 }, body)
        }
    }
}
