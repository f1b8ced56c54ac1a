import ClientSupport
import Foundation
import Postgres
import Testing

@Suite struct StatementTests {
    @Test func errorsCarryWhatTheServerSaid() async throws {
        try await withClient { client in
            try await client.execute(
                script: "CREATE TABLE errors (id int PRIMARY KEY, n int CONSTRAINT positive CHECK (n > 0))")
            let insert = PostgresStatement("INSERT INTO errors VALUES ($1, $2)", name: "insert", 1 as Int32, 1 as Int32)
            _ = try await client.query(insert)
            let unique = try await failure { try await client.query(insert) }
            #expect(unique.isUniqueViolation)
            #expect(unique.constraint == "errors_pkey")
            #expect(unique.table == "errors")
            #expect(unique.severity == "ERROR")
            #expect(!unique.mayHaveHappened && !unique.isRetriable && !unique.isUnavailable)
            #expect(unique.description.hasPrefix("postgres server 23505 in insert: duplicate key value"))
            #expect(!unique.description.contains("(id)=(1)"), "the detail holds row data")
            let check = try await failure {
                try await client.query(
                    PostgresStatement("INSERT INTO errors VALUES ($1, $2)", 2 as Int32, -1 as Int32))
            }
            #expect(check.isCheckViolation)
            #expect(check.constraint == "positive")
        }
    }

    /// What every other statement would meet too is not one statement's fault.
    @Test(arguments: [("53100", true), ("53200", true), ("53300", true), ("57014", true), ("22023", false)])
    func aServerWithoutRoomOrTimeIsUnavailable(state: String, isUnavailable: Bool) async throws {
        try await withClient { client in
            let error = try await failure {
                try await client.execute(
                    script: "DO $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = '\(state)'; END $$")
            }
            #expect(error.sqlState == state)
            #expect(error.isUnavailable == isUnavailable)
            #expect(error.isRetriable == isUnavailable)
        }
    }

    @Test func errorsAboutDataDoNotQuoteIt() async throws {
        try await withClient { client in
            let error = try await failure {
                try await client.query(PostgresStatement("SELECT $1::text::uuid", "secret stuff"))
            }
            #expect(error.sqlState == "22P02")
            #expect(error.description == "postgres server 22P02: invalid input syntax for type uuid: ...")
            let range = try await failure {
                try await client.query(PostgresStatement("SELECT ($1::text || E'\n')::int4", "99999999999"))
            }
            #expect(range.description == "postgres server 22003: value ... is out of range for type integer")
        }
    }

    @Test func aStatementThatDoesNotParseFailsEachTimeAndHarmsNobody() async throws {
        try await withClient(.set(\.sharedConnectionsMax, 1)) { client in
            for _ in 0..<3 {
                let error = try await failure { try await client.query(PostgresStatement("SELEKT 1", name: "bad")) }
                #expect(error.sqlState == "42601")
                #expect(error.statementName == "bad")
                #expect(try await client.query(PostgresStatement("SELECT 1")).count == 1)
            }
        }
    }

    @Test func manyCallersEachGetTheirOwnAnswer() async throws {
        try await withClient { client in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for caller in 0..<100 {
                    group.addTask {
                        for round in 0..<20 {
                            let value = caller * 1000 + round
                            if round % 5 == 4 {
                                let error = try await failure {
                                    try await client.query(PostgresStatement("SELECT 1 / ($1 - $1)", value))
                                }
                                #expect(error.sqlState == "22012")
                            } else {
                                let rows = try await client.query(PostgresStatement("SELECT $1", value))
                                #expect(try rows.single().decode(0, as: Int.self) == value)
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func theStatementCacheIsBounded() async throws {
        try await withClient(.set(\.sharedConnectionsMax, 1), .set(\.statementCacheSize, 4)) { client in
            for round in 0..<40 {
                let rows = try await client.query(PostgresStatement("SELECT \(round % 20)"))
                #expect(try rows.single().decode(0, as: Int.self) == round % 20)
            }
            let prepared = try await client.query(PostgresStatement("SELECT count(*) FROM pg_prepared_statements"))
            #expect(try prepared.single().decode(0, as: Int.self) <= 5)
        }
    }

    @Test func aStatementIsPreparedOnce() async throws {
        try await withClient(.set(\.sharedConnectionsMax, 1)) { client in
            for value in [1, nil, 3] as [Int?] {
                _ = try await client.query(PostgresStatement("SELECT $1 AS same", value))
            }
            let prepared = try await client.query(
                PostgresStatement("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%AS same'"))
            #expect(try prepared.single().decode(0, as: Int.self) == 1)
        }
    }

    @Test func aChangedTableDoesNotBreakPreparedStatements() async throws {
        try await withClient(.set(\.sharedConnectionsMax, 1)) { client in
            try await client.execute(script: "CREATE TABLE changing (a int); INSERT INTO changing VALUES (1)")
            let select = PostgresStatement("SELECT * FROM changing")
            #expect(try await client.query(select).columnNames == ["a"])
            try await client.execute(script: "ALTER TABLE changing ADD b text DEFAULT 'x'")
            #expect(try await client.query(select).columnNames == ["a", "b"])
        }
    }

    /// It can't be sent again where it is, but the next transaction does not meet it any more.
    @Test func anOutdatedStatementFailsOneTransactionOnly() async throws {
        try await withClient(.set(\.connectionsMax, 1)) { client in
            try await client.execute(script: "CREATE TABLE changing_too (a int); INSERT INTO changing_too VALUES (1)")
            let select = PostgresStatement("SELECT * FROM changing_too")
            func columns() async throws -> [String] {
                try await client.transaction { try await $0.query(select).columnNames }
            }
            #expect(try await columns() == ["a"])
            try await client.execute(script: "ALTER TABLE changing_too ADD b text DEFAULT 'x'")
            let error = try await failure { try await columns() }
            #expect(error.sqlState == "0A000")
            #expect(try await columns() == ["a", "b"])
        }
    }

    @Test func whatFallsOutOfTheCacheIsInNobodysWay() async throws {
        try await withClient(.set(\.connectionsMax, 1), .set(\.statementCacheSize, 1)) { client in
            try await client.withSession { session in
                for number in 0..<4 {
                    _ = try await session.query(PostgresStatement("SELECT \(number), $1", 1))
                    _ = try await session.query(PostgresStatement("SELECT \(number) + 10, $1", 1))
                    var count = 0
                    for try await _ in session.stream(PostgresStatement("SELECT generate_series(1, 2000)")) {
                        count += 1
                    }
                    #expect(count == 2000)
                    _ = try await session.query(PostgresStatement("SELECT \(number) + 20, $1", 1))
                    try await session.execute(script: "SELECT 1; SELECT 2")
                }
            }
        }
    }

    @Test func forgottenPreparedStatementsAreMadeAgain() async throws {
        try await withClient(.set(\.sharedConnectionsMax, 1)) { client in
            let select = PostgresStatement("SELECT $1 + 1", 1)
            _ = try await client.query(select)
            _ = try await client.query(PostgresStatement("DEALLOCATE ALL"))
            #expect(try await client.query(select).single().decode(0, as: Int.self) == 2)
        }
    }

    @Test func anAtomicPipelineIsAllOrNothing() async throws {
        try await withClient { client in
            try await client.execute(script: "CREATE TABLE atomic_pipeline (n int PRIMARY KEY)")
            let insert = { (n: Int32) in PostgresStatement("INSERT INTO atomic_pipeline VALUES ($1)", name: "i\(n)", n)
            }
            let results = try await client.pipeline([insert(1), insert(1), insert(2)], mode: .atomic)
            #expect(throws: Never.self) { try results[0].get() }
            #expect(throws: PostgresError.self) { try results[1].get() }
            guard case .failure(let error) = results[1], case .failure(let skipped) = results[2] else {
                Issue.record("two of three fail")
                return
            }
            #expect(error.isUniqueViolation && error.statementName == "i1")
            #expect(skipped.code == .skipped)
            let count = try await client.query(PostgresStatement("SELECT count(*) FROM atomic_pipeline"))
            #expect(try count.single().decode(0, as: Int.self) == 0)
        }
    }

    @Test func anIndependentPipelineKeepsWhatSucceeds() async throws {
        try await withClient { client in
            try await client.execute(script: "CREATE TABLE independent_pipeline (n int PRIMARY KEY)")
            let insert = { (n: Int32) in PostgresStatement("INSERT INTO independent_pipeline VALUES ($1)", n) }
            let results = try await client.pipeline([insert(1), insert(1), insert(2)], mode: .independent)
            #expect(results.map { (try? $0.get())?.affected } == [1, nil, 1])
        }
    }

    /// The commit of a statement of its own comes after its result: the result alone is no success.
    @Test func aFailingCommitIsTheStatementsFailure() async throws {
        try await withClient(.set(\.sharedConnectionsMax, 1)) { client in
            try await client.execute(
                script: "CREATE TABLE deferred (n int, UNIQUE (n) DEFERRABLE INITIALLY DEFERRED)")
            let insert = PostgresStatement("INSERT INTO deferred VALUES (1)", name: "insert")
            _ = try await client.query(insert)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<20 {
                    group.addTask {
                        do {
                            let rows = try await client.query(
                                index % 4 == 1 ? insert : PostgresStatement("SELECT $1", index))
                            #expect(try rows.single().decode(0, as: Int.self) == index, "nobody gets another's answer")
                        } catch let error as PostgresError where index % 4 != 1 {
                            #expect(error.code == .connectionLost && error.isRetriable && error.mayHaveHappened)
                        } catch let error as PostgresError {
                            #expect(error.isUniqueViolation || error.code == .connectionLost)
                        }
                    }
                }
                try await group.waitForAll()
            }
            let alone = try await failure { try await client.query(insert) }
            #expect(alone.isUniqueViolation && !alone.mayHaveHappened)
            let count = try await client.query(PostgresStatement("SELECT count(*) FROM deferred"))
            #expect(try count.single().decode(0, as: Int.self) == 1)
        }
    }

    @Test func tooManyParametersAreRefusedBeforeSending() async throws {
        try await withClient { client in
            var parameters = PostgresParameters()
            for value in 0..<65_536 { parameters.append(value) }
            let error = try await failure { [parameters] in
                try await client.query(PostgresStatement("SELECT 1", parameters: parameters))
            }
            #expect(error.code == .usage)
        }
    }

    @Test func largeValuesPassBothWays() async throws {
        try await withClient { client in
            let bytes = (0..<8_000_000).map { UInt8(truncatingIfNeeded: $0) }
            let rows = try await client.query(PostgresStatement("SELECT $1 || $1", bytes))
            #expect(try rows.single().decode(0, as: [UInt8].self) == bytes + bytes)
        }
    }

    @Test func aTransactionLeftOpenOnASharedConnectionEndsIt() async throws {
        try await withClient(.set(\.sharedConnectionsMax, 1)) { client in
            let process = PostgresStatement("SELECT pg_backend_pid()")
            let before = try await client.query(process).single().decode(0, as: Int.self)
            _ = try await client.query(PostgresStatement("BEGIN"))
            let after = try await client.query(process).single().decode(0, as: Int.self)
            #expect(before != after)
        }
    }

    @Test func copyIsRefusedInAPipeline() async throws {
        try await withClient { client in
            let error = try await failure { try await client.query(PostgresStatement("COPY (SELECT 1) TO STDOUT")) }
            #expect(error.code == .usage)
            #expect(try await client.query(PostgresStatement("SELECT 1")).count == 1)
        }
    }
}
