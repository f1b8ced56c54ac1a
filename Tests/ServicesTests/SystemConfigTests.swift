import ClientSupport
import HTTPTypes
import Postgres
import QuartetCore
import QuartetDatabases
import QuartetRoles
import ServiceLifecycle
import SystemRoom
import SystemTesting
import Testing

@testable import QuartetService

/// Settings by HTTP and in the table, and the processes that hear of them.
@Suite("Settings", .timeLimit(.minutes(5))) struct SystemConfigTests {
    @Test(
        "a setting is shown, set, changed, taken back, and its history tells who, when and why",
        arguments: Layout.allCases)
    func life(_ layout: Layout) async throws {
        try await House.open(layout) { house in
            let path = "/v1/config/aging.new_rows"
            let first = try await house.call(.get, path)
            #expect(first.status == 200 && first.tag == "\"0\"", "\(first.text)")
            #expect(first.json["value"] as? Int == 500 && first.json["source"] as? String == "configuration")
            #expect(first.json["maximum"] as? Int == 500 && first.json["type"] as? String == "int")

            let set = try await house.call(.put, path, #"{"value": 20, "why": "급해서"}"#, [.ifMatch: first.tag])
            #expect(set.status == 200 && set.json["value"] as? Int == 20, "\(set.text)")
            #expect(set.json["source"] as? String == "system_config" && set.json["default"] as? Int == 500)
            #expect(set.json["changed_by"] as? String == "QUARTET_API_KEY" && set.json["why"] as? String == "급해서")
            #expect(try await house.call(.get, path).text == set.text)
            // The same again is no change.
            let again = try await house.call(.put, path, #"{"value": "20"}"#, [.ifMatch: "*"])
            #expect(again.status == 200 && again.text == set.text)
            let changed = try await house.call(.put, path, #"{"value": 30}"#, [.ifMatch: set.tag])
            #expect(changed.status == 200 && changed.tag != set.tag)

            let back = try await house.call(.delete, "\(path)?why=over", nil, [.ifMatch: changed.tag])
            #expect(back.status == 200 && back.json["value"] as? Int == 500 && back.tag != changed.tag, "\(back.text)")
            #expect(back.json["source"] as? String == "configuration")
            let history = try await house.call(.get, "\(path)/history")
            let changes = try #require(history.json["history"] as? [[String: Any]])
            #expect(changes.map { $0["old"] as? Int } == [30, 20, nil])
            #expect(changes.map { $0["new"] as? Int } == [nil, 30, 20])
            #expect(changes.map { $0["why"] as? String } == ["over", nil, "급해서"])
            let older = try await house.call(
                .get, "\(path)/history?limit=1&before=\(changed.tag.dropFirst().dropLast())")
            #expect((older.json["history"] as? [[String: Any]])?.map { $0["new"] as? Int } == [20])
        }
    }

    @Test("nobody changes over another one unseen, and what can't be is refused with what is allowed")
    func refusals() async throws {
        try await House.open(.oneDatabase) { house in
            let path = "/v1/config/aging.interval"
            let body = #"{"value": "5s"}"#
            #expect(try await house.call(.put, path, body).status == 428)
            #expect(try await house.call(.delete, path).status == 428)
            #expect(try await house.call(.put, path, body, [.ifMatch: "\"7\""]).status == 412)
            #expect(try await house.call(.delete, path, nil, [.ifMatch: "\"7\""]).status == 412)
            #expect(try await house.call(.delete, path, nil, [.ifMatch: "*"]).status == 200)
            let set = try await house.call(.put, path, body, [.ifNoneMatch: "*"])
            #expect(set.status == 200)
            #expect(try await house.call(.put, path, #"{"value": "6s"}"#, [.ifNoneMatch: "*"]).status == 412)
            #expect(try await house.call(.put, path, #"{"value": "6s"}"#, [.ifMatch: "\"0\""]).status == 412)

            for (body, words) in [
                (#"{"value": "50"}"#, "a duration of 100ms to 1d"), (#"{"value": 50}"#, "a duration"),
                (#"{"value": null}"#, "value"), (#"{}"#, "value"), (#"{"value": "1s", "who": "I"}"#, "who"),
                (#"{"value": "1s", "why": ""}"#, "why"),
            ] {
                let refused = try await house.call(.put, path, body, [.ifMatch: "*"])
                #expect(refused.status == 422 && refused.detail.contains(words), "\(body): \(refused.text)")
            }
            for unknown in ["redis.url", "quartet.api.key", "no.such"] {
                let refused = try await house.call(.put, "/v1/config/\(unknown)", body, [.ifMatch: "*"])
                #expect(refused.status == 404 && refused.detail.contains(unknown), "\(refused.text)")
            }
            #expect(try await house.call(.get, path).text == set.text)
            #expect(try await house.call(.get, path + "/history").ids("history").isEmpty)
        }
    }

    @Test("a process hears of changes by the bell, keeps what it knows while the database is away, and survives psql")
    func hearing() async throws {
        try await House.open(.oneDatabase) { house in
            let aging = house.live.part(\.aging)
            let system = try #require(house.services.compactMap { $0 as? SystemService }.first)
            let loop = system.watch.service(withKeys: false, logger: House.logger)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await loop.run() }
                let set = "INSERT INTO {system_config} VALUES ('aging.new_rows', '4', NULL, 1, now(), 'psql')"
                try await house.run(set)
                try await eventually("what psql wrote") { aging.now.newRows == 4 }
                let body = #"{"value": 3}"#
                #expect(try await house.call(.put, "/v1/config/aging.new_rows", body, [.ifMatch: "*"]).status == 200)
                try await eventually("the change") { aging.now.newRows == 3 }

                try await house.run("UPDATE {system_config} SET value = 'nonsense'")
                _ = try await house.call(.put, "/v1/config/aging.old_rows", #"{"value": 8}"#, [.ifMatch: "*"])
                try await eventually("the other row counts") { aging.now.oldRows == 8 }
                #expect(aging.now.newRows == 3)
                let list = try await house.call(.get, "/v1/config")
                #expect(list.status == 200 && list.text.contains("nonsense"))

                let place = house.databases.tables.place(of: SystemService.schema)
                let rename = "ALTER TABLE \(place.schema).system_config RENAME TO away"
                try await house.databases.client(of: place.database).execute(script: rename)
                await #expect(throws: (any Error).self) { try await system.watch.refreshSettings() }
                #expect(aging.now.newRows == 3 && aging.now.oldRows == 8)
                group.cancelAll()
            }
        }
    }
}

extension House {
    /// A statement on the tables of the service `system`.
    fileprivate func run(_ sql: String) async throws {
        let file = SQLFile(label: "psql", statements: ["statement": sql])
        _ = try await databases.statements(in: file, of: SystemService.schema).named("statement").run()
    }
}
