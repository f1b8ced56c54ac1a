import HTTPTypes
import Postgres
import QuartetDatabases
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
