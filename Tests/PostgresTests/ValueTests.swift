import Foundation
import Postgres
import Testing

@Suite struct ValueTests {
    @Test func scalarsComeBackAsTheyWent() async throws {
        let id = UUID()
        let date = Date(timeIntervalSinceReferenceDate: 800_000_000.123456)
        try await withClient { client in
            let row = try await client.query(
                PostgresStatement(
                    "SELECT $1 a, $2 b, $3 c, $4 d, $5 e, $6 f, $7 g, $8 h, $9 i, $10 j, $11 k",
                    true, 7 as Int16, -8 as Int32, 1 << 40, 2.5, "größe 🌍", id, date, [0, 255, 1] as [UInt8],
                    PostgresJSON(#"{"a": 1}"#), UInt64.max >> 1)
            ).single()
            #expect(try row.decode("a", as: Bool.self))
            #expect(try row.decode("b", as: Int16.self) == 7)
            #expect(try row.decode("c", as: Int32.self) == -8)
            #expect(try row.decode("d", as: Int.self) == 1 << 40)
            #expect(try row.decode("e", as: Double.self) == 2.5)
            #expect(try row.decode("f", as: String.self) == "größe 🌍")
            #expect(try row.decode("g", as: UUID.self) == id)
            let read = try row.decode("h", as: Date.self)
            #expect(abs(read.timeIntervalSince(date)) < 0.000_001)
            #expect(try row.decode("i", as: [UInt8].self) == [0, 255, 1])
            #expect(try row.decode("j", as: PostgresJSON.self).text == #"{"a": 1}"#)
            #expect(try row.decode("j", as: String.self) == #"{"a": 1}"#)
            #expect(try row.decode("k", as: UInt64.self) == UInt64.max >> 1)
        }
    }

    @Test func arraysComeBackAsTheyWent() async throws {
        let ids = [UUID(), UUID()]
        let date = Date(timeIntervalSinceReferenceDate: 1)
        try await withClient { client in
            let row = try await client.query(
                PostgresStatement(
                    "SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9", ids, [1, -1] as [Int32], [1, .max] as [Int],
                    [0.5, -.infinity], ["a", nil, ""] as [String?], [[1, 2], []] as [[UInt8]], [true, false], [date],
                    [] as [Int])
            ).single()
            #expect(try row.decode(0, as: [UUID].self) == ids)
            #expect(try row.decode(1, as: [Int32].self) == [1, -1])
            #expect(try row.decode(2, as: [Int].self) == [1, .max])
            #expect(try row.decode(3, as: [Double].self) == [0.5, -.infinity])
            #expect(try row.decode(4, as: [String?].self) == ["a", nil, ""])
            #expect(try row.decode(5, as: [[UInt8]].self) == [[1, 2], []])
            #expect(try row.decode(6, as: [Bool].self) == [true, false])
            #expect(try row.decode(7, as: [Date].self) == [date])
            #expect(try row.decode(8, as: [Int].self) == [])
        }
    }

    @Test func arraysUnnestInStep() async throws {
        let ids = [UUID(), UUID(), UUID()]
        try await withClient { client in
            let rows = try await client.query(
                PostgresStatement(
                    "SELECT id, n, t FROM unnest($1::uuid[], $2::int4[], $3::text[]) AS u(id, n, t)",
                    ids, [1, nil, 3] as [Int32?], ["x", "y", nil] as [String?]))
            #expect(rows.count == 3)
            #expect(try rows.map { try $0.decode("id", as: UUID.self) } == ids)
            #expect(try rows.map { try $0.decode("n", as: Int32?.self) } == [1, nil, 3])
            #expect(try rows.map { try $0.decode("t", as: String?.self) } == ["x", "y", nil])
        }
    }

    @Test func nullsCarryTheirTypeAndEmptyIsNotNull() async throws {
        try await withClient { client in
            let row = try await client.query(
                PostgresStatement(
                    "SELECT $1 IS NULL, pg_typeof($1)::text, $2 IS NULL, $3 IS NULL, $2", nil as UUID?, "",
                    [] as [UInt8])
            ).single()
            let values = try row.decode(Bool.self, String.self, Bool.self, Bool.self, String.self)
            #expect(values == (true, "uuid", false, false, ""))
        }
    }

    @Test func textLikeTypesReadAsStrings() async throws {
        try await withClient { client in
            let row = try await client.query(
                PostgresStatement(
                    """
                    SELECT 'n'::name, 'v'::varchar, 'c'::char(2), '[1]'::json, '[1]'::jsonb, 1.50::numeric::text,
                        '00000000-0000-0000-0000-00000000000a'::uuid, pg_current_xact_id()
                    """)
            ).single()
            let texts = try (0..<7).map { try row.decode($0, as: String.self) }
            #expect(texts == ["n", "v", "c ", "[1]", "[1]", "1.50", "00000000-0000-0000-0000-00000000000a"])
            #expect(try row.decode(7, as: UInt64.self) > 0)
        }
    }

    @Test func infiniteTimesAreTheDistantOnes() async throws {
        try await withClient { client in
            let row = try await client.query(
                PostgresStatement("SELECT 'infinity'::timestamptz, '-infinity'::timestamptz")
            ).single()
            #expect(try row.decode(0, as: Date.self) == .distantFuture)
            #expect(try row.decode(1, as: Date.self) == .distantPast)
        }
    }

    @Test func wrongReadsSayWhichColumnAndWhy() async throws {
        try await withClient { client in
            let rows = try await client.query(PostgresStatement("SELECT 1::int8 n, NULL::text t, 99999 big"))
            let row = try rows.single()
            func message<Value: PostgresDecodable>(_ column: String, _: Value.Type) -> String? {
                do {
                    _ = try row.decode(column, as: Value.self)
                    return nil
                } catch {
                    return error.message
                }
            }
            #expect(message("n", String.self) == "column n (0) in row 0 is int8, wanted String")
            #expect(message("t", String.self) == "column t (1) in row 0 is NULL, wanted String")
            #expect(message("big", Int16.self) == "column big (2) in row 0 is out of range, wanted Int16")
            #expect(message("x", Int.self) == "there is no column x, only: n, t, big")
            #expect(throws: PostgresError.self) { try row.decode(3, as: Int.self) }
            #expect(throws: PostgresError.self) { try rows.column("nope") }
        }
    }

    @Test func affectedRowsAndSingle() async throws {
        try await withClient { client in
            let rows = try await client.query(PostgresStatement("SELECT generate_series(1, 5)"))
            #expect(rows.affected == 5)
            let error = #expect(throws: PostgresError.self) { try rows.single() }
            #expect(error?.code == .rowCount)
            #expect(error?.location?.file.hasSuffix("ValueTests.swift") == true)
        }
    }
}
