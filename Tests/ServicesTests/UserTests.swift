import HTTPTypes
import Postgres
import QuartetDatabases
import QuartetHTTP
import Testing

/// What is known of users beyond their names.
@Suite("Users") struct UserTests {
    private static let path = "/v1/users/11111111-2222-7333-8444-555555555555"
    private static let names = #""nickname": "n", "name": "이름", "email": "e""#

    @Test("facts come back as they were given, with the age group that the age makes, and go with events")
    func facts() async throws {
        try await House.open(.oneDatabase) { house in
            let given = #""gender": "여", "age": 34, "region": "부산", "join_date": "2024-02-29""#
            let put = try await house.call(.put, Self.path, "{\(Self.names), \(given)}")
            #expect(put.status == 200, "\(put.text)")
            let user = try await house.call(.get, Self.path)
            #expect(user.text == put.text)
            #expect(user.json["gender"] as? String == "여" && user.json["age"] as? Int == 34)
            #expect(user.json["age_group"] as? String == "30s" && user.json["region"] as? String == "부산")
            #expect(user.json["join_date"] as? String == "2024-02-29")
            let outbox = house.databases.tables[.outbox, in: house.databases.tables[Table("users")].database].schema
            let payload = try await house.databases.client(of: house.databases.tables[Table("users")].database).query(
                PostgresStatement("SELECT payload::text FROM \(outbox).outbox WHERE type = 'auth.user.created'"))
            let text = try payload.map { try $0.decode(0, as: String.self) }.joined()
            #expect(text.contains(#""age_group" : "30s""#) && text.contains(#""join_date" : "2024-02-29""#), "\(text)")

            // Whoever says less knows less; a group alone is enough.
            let less = try await house.call(.put, Self.path, #"{\#(Self.names), "age_group": "teens"}"#)
            #expect(
                less.json["age_group"] as? String == "teens" && less.json["age"] == nil && less.json["region"] == nil)
        }
    }

    @Test("a plan that was made while the table was empty reads it not from end to end later")
    func emptyTable() async throws {
        try await House.open(.oneDatabase) { house in
            let database = try house.databases.client(of: house.databases.tables[Table("users")].database)
            try await database.execute(script: "ANALYZE auth.users, auth.user_profiles")
            for part in 0..<10 {
                let rows = (1...300).map { number in
                    let digits = String(1_000_000_000_000 + part * 300 + number).dropFirst()
                    return #"{"id": "00000000-0000-4000-8000-\#(digits)", \#(Self.names)}"#
                }
                let made = try await house.call(.post, "/v1/users:import", rows.joined(separator: "\n"))
                #expect(made.json["changed"] as? Int == 300, "\(made.text)")
            }
            // Counts are told when sessions have been idle for a while.
            let told = """
                SELECT n_tup_ins, (SELECT sum(idx_tup_read)::bigint FROM pg_stat_user_indexes WHERE schemaname = 'auth')
                FROM pg_stat_user_tables WHERE schemaname = 'auth' AND relname = 'users'
                """
            var (inserted, read): (Int64, Int64) = (0, 0)
            while inserted < 3_000 {
                try await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(100)))
                (inserted, read) = try await database.query(PostgresStatement(told)).single()
                    .decode(Int64.self, Int64.self)
            }
            #expect(read < 100_000, "\(read) entries of indexes were read for 3,000 rows")
        }
    }

    private static func id(_ number: Int) -> String { "00000000-0000-4000-8000-00000000000\(number)" }

    @Test("users are imported as they are given and listed by their ids and regions", arguments: Layout.allCases)
    func importing(_ layout: Layout) async throws {
        try await House.open(layout) { house in
            func row(_ number: Int, _ fields: String = "", name: String = "이름") -> String {
                #"{"id": "\#(Self.id(number))", "nickname": "n\#(number)", "name": "\#(name)", "email": "e"\#(fields)}"#
            }
            let rows = (1...5).map { row($0, #", "age": \#(10 * $0), "region": "\#($0 < 3 ? "부산" : "서울")""#) }
            let made = try await house.call(.post, "/v1/users:import", rows.joined(separator: "\n"))
            #expect(made.json["changed"] as? Int == 5, "\(made.text)")
            let list = try await house.call(.get, "/v1/users?limit=3")
            #expect(list.ids("users") == (1...3).map(Self.id), "\(list.text)")
            let next = try #require(list.json["next"] as? String)
            let rest = try await house.call(.get, "/v1/users?limit=3&cursor=\(next)")
            #expect(rest.ids("users") == (4...5).map(Self.id))
            #expect(
                try await house.call(.get, "/v1/users?region=%EB%B6%80%EC%82%B0").ids("users") == (1...2).map(Self.id))
            #expect(list.text.contains(#""age_group":"20s""#) && list.text.contains("이름"), "\(list.text)")
            let one = try await house.call(.get, "/v1/users/\(Self.id(2))").json
            #expect(one["age_group"] as? String == "20s" && one["region"] as? String == "부산")

            // The same again is no change, a name in the profile is one, and of one that comes twice the last counts.
            let again = rows[0...2] + [row(4), row(4, name: "다른 이름"), row(6)]
            let changed = try await house.call(.post, "/v1/users:import", again.joined(separator: "\n"))
            #expect(changed.json["changed"] as? Int == 2, "\(changed.text)")
            #expect(try await house.call(.get, "/v1/users/\(Self.id(4))").json["name"] as? String == "다른 이름")
            let events = try await house.events(of: Table("users")).filter { $0.hasPrefix("auth.user.") }
            #expect(events.count == 7 && events.filter { $0.hasPrefix("auth.user.updated") }.count == 1)

            #expect(try await house.call(.delete, "/v1/users/\(Self.id(1))").status == 200)
            #expect(try await house.call(.get, "/v1/users?limit=1").ids("users") == [Self.id(2)])
            let bad = [
                row(7, #", "join_date": "2023-02-29""#), row(8).replacing("00000000-", with: "x"),
                row(9, #", "age": 200"#),
            ]
            let lenient = try await house.call(
                .post, "/v1/users:import", (bad + rows[..<1]).joined(separator: "\n"),
                [.prefer: "handling=lenient"])
            #expect(lenient.json["changed"] as? Int == 1, "\(lenient.text)")
            for reason in ["join_date is a date", "line 2: id is a UUID", "age is an integer of 0 to 150"] {
                #expect(lenient.text.contains(reason), "\(lenient.text)")
            }
        }
    }

    @Test(
        "facts that can't be are refused by name",
        arguments: [
            (#""age": 151"#, "age"), (#""age": -1"#, "age"), (#""join_date": "2023-02-29""#, "join_date"),
            (#""join_date": "29.2.2024""#, "join_date"), (#""join_date": "0000-01-01""#, "join_date"),
            (#""region": """#, "region"), (#""age": "34""#, "age"), (#""height": 170"#, "height"),
        ])
    func impossible(_ fact: String, _ name: String) async throws {
        try await House.open(.oneDatabase) { house in
            let answer = try await house.call(.put, Self.path, "{\(Self.names), \(fact)}")
            #expect(answer.status == 422 && answer.detail.contains(name), "\(answer.text)")
            #expect(try await house.call(.get, Self.path).status == 404)
        }
    }
}
