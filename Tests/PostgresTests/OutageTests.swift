import ClientSupport
import Postgres
import QuartetTesting
import Testing

@Suite struct OutageTests {
    private let one = PostgresStatement("SELECT 1")

    @Test func aRefusedConnectionNamesHostAndPort() async throws {
        var configuration = try PostgresConfiguration(url: "postgresql://someone:hidden@127.0.0.1:1/nothing")
        configuration.connectTimeout = .seconds(2)
        let client = PostgresClient(configuration, logger: quiet)
        let error = try await failure { try await client.query(one) }
        #expect(error.code == .connectFailed)
        #expect(error.isRetriable && error.isUnavailable && !error.mayHaveHappened)
        #expect(error.description.contains("127.0.0.1") && error.description.contains("port 1 "))
        #expect(!error.description.contains("\n"))
        #expect(!error.description.contains("hidden") && !"\(configuration)".contains("hidden"))
        var dumped = ""
        dump(configuration, to: &dumped)
        #expect(!dumped.contains("hidden"))
        await client.close()
    }

    @Test func aHostThatDoesNotAnswerIsGivenUp() async throws {
        // A listening socket that never accepts: the connection is made by the kernel and nothing is ever said.
        try await SilentListener.with { port in
            var configuration = try PostgresConfiguration(url: "postgresql://x@127.0.0.1:\(port)/x?sslmode=disable")
            configuration.connectTimeout = .milliseconds(200)
            let client = PostgresClient(configuration, logger: quiet)
            let error = try await failure { try await client.query(one) }
            #expect(error.code == .connectFailed && error.isRetriable)
            #expect(error.description.contains(":\(port)"))
            await client.close()
        }
    }

    @Test func aWrongPasswordIsNotRetriable() async throws {
        let server = try await TestServer.shared
        let client = PostgresClient(try PostgresConfiguration(url: server.url(password: "wrong")), logger: quiet)
        let error = try await failure { try await client.query(one) }
        #expect(error.sqlState == "28P01")
        #expect(error.code == .connectFailed && !error.isRetriable)
        #expect(error.description.contains("password authentication failed"))
        #expect(!error.description.contains("\n") && !error.description.contains("LOCATION"))
        await client.close()
    }

    /// Its state is of the class whose messages quote data: here there is none, and the reason is all that helps.
    @Test func aRefusedSettingIsToldInTheServersWords() async throws {
        let url = try await TestServer.shared.url() + "?options=-c%20timezone%3DNowhere/Land"
        let client = PostgresClient(try PostgresConfiguration(url: url), logger: quiet)
        let error = try await failure { try await client.query(one) }
        #expect(error.sqlState == "22023")
        #expect(error.description.contains(#"invalid value for parameter "TimeZone": "Nowhere/Land""#))
        #expect(!error.description.contains("right") && !error.description.contains("\n"))
        await client.close()
    }

    @Test func aUnixSocketWorks() async throws {
        let server = try await TestServer.shared
        let client = PostgresClient(try PostgresConfiguration(url: server.socketURL), logger: quiet)
        #expect(try await client.query(one).count == 1)
        await client.close()
    }

    @Test(arguments: ["postgresql://u:p@h/db?nonsense=1", "postgresql://u:p@[::1"])
    func aWrongURLIsRefusedWithoutRepeatingIt(url: String) {
        let error = #expect(throws: PostgresError.self) { try PostgresConfiguration(url: url) }
        #expect(error?.code == .configuration)
        #expect(error?.description.contains("u:p") == false)
    }

    @Test func aClosedClientRefuses() async throws {
        try await withClient { client in
            _ = try await client.query(one)
            await client.close()
            await #expect(throws: PoolError.closed) { try await client.query(one) }
        }
    }

    @Test func aKilledServerIsFoundAgain() async throws {
        try await TestServer.withOwn { server in
            try await withClient(on: server) { client in
                try await client.execute(script: "CREATE TABLE survivors (n int); INSERT INTO survivors VALUES (1)")
                let (started, signal) = AsyncStream.makeStream(of: Void.self)
                let interrupted = Task {
                    try await client.transaction { session in
                        _ = try await session.query(PostgresStatement("INSERT INTO survivors VALUES (2)"))
                        signal.yield()
                        _ = try await session.query(PostgresStatement("SELECT pg_sleep(60)"))
                    }
                }
                for await _ in started { break }
                await server.kill()
                let error = try await failure { try await interrupted.value }
                #expect(error.isRetriable && error.isUnavailable)
                #expect(!error.mayHaveHappened, "COMMIT was never sent")
                let down = try await failure { try await client.query(one, deadline: .after(.seconds(2))) }
                #expect(down.isUnavailable && !down.mayHaveHappened)
                try await server.start()
                try await eventually { (try? await client.query(one)) != nil }
                let rows = try await client.query(PostgresStatement("SELECT n FROM survivors"))
                #expect(try rows.map { try $0.decode(0, as: Int.self) } == [1])
            }
        }
    }

    @Test func aStatementCutOffByACrashMayHaveHappened() async throws {
        try await TestServer.withOwn { server in
            try await withClient(on: server) { client in
                let task = Task { try await client.query(PostgresStatement("SELECT pg_sleep(60) AS cut_off")) }
                try await withClient(on: server) { observer in
                    try await eventually {
                        let rows = try await observer.query(
                            PostgresStatement(
                                "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%AS cut_off'"))
                        return !rows.isEmpty
                    }
                }
                await server.kill()
                let error = try await failure { try await task.value }
                #expect(error.code == .connectionLost)
                #expect(error.mayHaveHappened)
            }
        }
    }

    @Test func aTerminatedConnectionSaysThatNothingHappened() async throws {
        try await withClient(.set(\.connectionsMax, 1)) { client in
            let error = try await failure {
                try await client.withSession { session in
                    let process: Int32 = try await session.query(PostgresStatement("SELECT pg_backend_pid()"))
                        .single().decode(0)
                    async let sleeping = session.query(PostgresStatement("SELECT pg_sleep(60) AS terminated"))
                    try await eventually {
                        let rows = try await client.query(
                            PostgresStatement(
                                """
                                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                                WHERE pid = $1 AND state = 'active' AND query LIKE '%AS terminated'
                                """, process))
                        return !rows.isEmpty
                    }
                    _ = try await sleeping
                }
            }
            #expect(error.sqlState == PostgresError.SQLState.adminShutdown)
            #expect(error.isRetriable && error.isUnavailable && !error.mayHaveHappened)
            // The pool makes a new connection in its place.
            try await client.withSession { _ = try await $0.query(one) }
        }
    }

    @Test func aShutDownServersIdleConnectionsAreReplaced() async throws {
        try await TestServer.withOwn { server in
            try await withClient(on: server) { client in
                _ = try await client.query(one)
                _ = try await client.transaction(statements: [one])
                await server.shutDown()
                try await server.start()
                // The outage is over before anyone asked: nobody should notice it.
                #expect(try await client.query(one).count == 1)
                #expect(try await client.transaction(statements: [one]).count == 1)
            }
        }
    }

    @Test func listenersHearAndAreToldWhenTheyMayHaveMissedSomething() async throws {
        try await TestServer.withOwn { server in
            try await withClient(on: server) { client in
                var events = client.listen(to: ["jobs", "odd \"name\""]).makeAsyncIterator()
                #expect(await events.next() == .connected)
                _ = try await client.query(PostgresStatement("SELECT pg_notify('jobs', $1)", "first"))
                #expect(await events.next() == .notification(channel: "jobs", payload: "first"))
                _ = try await client.query(PostgresStatement("SELECT pg_notify('odd \"name\"', '')"))
                #expect(await events.next() == .notification(channel: "odd \"name\"", payload: ""))
                await server.kill()
                try await server.start()
                #expect(await events.next() == .reconnected)
                try await eventually {
                    (try? await client.query(PostgresStatement("SELECT pg_notify('jobs', $1)", "second"))) != nil
                }
                #expect(await events.next() == .notification(channel: "jobs", payload: "second"))
            }
        }
    }

    /// Whatever is in the way, a password or a database that is being made anew: it passes, and then they hear again.
    @Test func listenersOutliveWhatLooksAsIfItStayed() async throws {
        try await withClient { owner in
            try await owner.execute(script: "CREATE ROLE bell LOGIN PASSWORD 'right'")
            var configuration = try await PostgresConfiguration(url: TestServer.shared.url(user: "bell"))
            configuration.backoff = Backoff(base: .milliseconds(5), max: .milliseconds(50))
            let client = PostgresClient(configuration, logger: quiet)
            let (failures, told) = AsyncStream.makeStream(of: String?.self)
            let (connected, signal) = AsyncStream.makeStream(of: Void.self)
            let hearing = Task { () -> PostgresEvent? in
                let bell = client.listen(to: ["bell"]) { told.yield(($0 as? PostgresError)?.sqlState) }
                for await event in bell {
                    guard event == .connected else { return event }
                    signal.yield()
                }
                return nil
            }
            for await _ in connected { break }
            try await owner.execute(
                script: """
                    ALTER ROLE bell PASSWORD 'other';
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'bell'
                    """)
            var count = 0
            for await state in failures {
                #expect(state == "28P01")
                count += 1
                if count == 3 { break }
            }
            try await owner.execute(script: "ALTER ROLE bell PASSWORD 'right'")
            let event = await hearing.value
            #expect(event == .reconnected)
            await client.close()
        }
    }

    @Test func aSlowListenerIsToldThatItMissedSome() async throws {
        try await withClient(.set(\.notificationsWaitingMax, 3)) { client in
            var events = client.listen(to: ["flood"]).makeAsyncIterator()
            #expect(await events.next() == .connected)
            // Each round brings a hundred and takes one: no listener keeps up with that, on whatever machine.
            let flood = PostgresStatement("SELECT pg_notify('flood', n::text) FROM generate_series(1, 100) n")
            var heard: PostgresEvent?
            repeat {
                _ = try await client.query(flood)
                heard = await events.next()
            } while heard != .reconnected
        }
    }

    @Test func aTransactionLeftOpenInASessionCostsItsConnection() async throws {
        try await withClient(.set(\.connectionsMax, 1)) { client in
            let process = PostgresStatement("SELECT pg_backend_pid()")
            let before = try await client.withSession { session in
                _ = try await session.query(PostgresStatement("BEGIN"))
                return try await session.query(process).single().decode(0, as: Int.self)
            }
            let after = try await client.withSession { session in
                try await session.query(process).single().decode(0, as: Int.self)
            }
            #expect(before != after)
        }
    }

    @Test func aSecondSharedConnectionThatCannotBeHadIsDoneWithout() async throws {
        try await TestServer.withOwn { server in
            try await withClient(on: server) { administrator in
                try await administrator.execute(script: "CREATE ROLE lonely LOGIN PASSWORD 'right' CONNECTION LIMIT 1")
            }
            var configuration = try PostgresConfiguration(url: server.url(user: "lonely"))
            configuration.sharedConnectionsMax = 2
            let client = PostgresClient(configuration, logger: quiet)
            _ = try await client.query(one)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<60 {
                    group.addTask { _ = try await client.query(PostgresStatement("SELECT pg_sleep(0.002)")) }
                }
                try await group.waitForAll()
            }
            await client.close()
        }
    }

    @Test func listeningEndsWithItsTask() async throws {
        try await withClient { client in
            let (started, signal) = AsyncStream.makeStream(of: Void.self)
            let task = Task {
                for try await _ in client.listen(to: ["quiet"]) { signal.yield() }
            }
            for await _ in started { break }
            task.cancel()
            try await task.value
        }
    }
}
