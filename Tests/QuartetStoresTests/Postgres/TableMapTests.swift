import Catalog
import QuartetDatabases
import Testing

@testable import QuartetStores

@Suite("Table map")
struct TableMapTests {
    @Test("placeholders become full names, and other braces stay")
    func rendering() throws {
        let rendered = try TableMap().render(
            "SELECT '{}'::text[], '{a,B}' FROM {products}, {outbox} {", label: "x")
        #expect(rendered.sql == "SELECT '{}'::text[], '{a,B}' FROM catalog.products, events.outbox {")
        #expect(rendered.databases == [.dropship] && rendered.tables == [.products])
    }

    @Test("a table that was moved is found where it is")
    func moving() throws {
        var tables = TableMap()
        try tables.move("orders", toDatabase: "dropship", schema: "shop_2")
        let rendered = try tables.render("{orders}", label: "x")
        #expect(rendered.sql == "shop_2.orders")
        #expect(rendered.databases == [.dropship])
        #expect(tables.schemas(of: .dropship) == ["analysis", "catalog", "consistency", "events", "shop_2"])
        #expect(tables.schemas(of: .market) == ["market_events"])
    }

    @Test(
        "names that are not known or not plain are refused by name",
        arguments: [
            ("nothing", "dropship", "a", "table nothing"), ("outbox", "dropship", "a", "table outbox"),
            ("orders", "elsewhere", "a", "database elsewhere"),
            ("products", "dropship", "a\"; DROP", "schema"), ("products", "dropship", "1a", "schema"),
            ("products", "dropship", "", "schema"),
        ])
    func refusals(table: String, database: String, schema: String, part: String) throws {
        var tables = TableMap()
        let error = #expect(throws: PostgresStoreError.self) {
            try tables.move(table, toDatabase: database, schema: schema)
        }
        #expect(error?.code == .tableMap)
        #expect(error?.description.contains(part) == true)
        #expect(tables == TableMap())
    }

    @Test("an unknown placeholder is refused")
    func unknownPlaceholder() {
        #expect(throws: PostgresStoreError(.tableMap, "file names table nowhere, which there is not")) {
            try TableMap().render("{nowhere}", label: "file")
        }
    }

    @Test("a statement over two databases, or over none, is refused when it is loaded")
    func statementOfTwoDatabases() throws {
        let databases = Databases(clients: [:])
        for (sql, part) in [
            (
                "SELECT FROM {products}, {orders}",
                "names products of database dropship and orders of database market"
            ), ("SELECT 1", "no table"),
        ] {
            let file = try SQLFile(label: "x.sql", text: "-- name: both\n\(sql)")
            let error = #expect(throws: PostgresStoreError.self) { try databases.statements(in: file) }
            #expect(error?.description.contains(part) == true)
            #expect(error?.description.contains("x.sql: statement both") == true)
        }
    }

    @Test("a file is its named statements without comments")
    func files() throws {
        let file = try SQLFile(
            label: "x", text: "-- about\n\n-- name: a\n-- why\nSELECT 1,\n  -- and\n  2\n-- name: b\nSELECT 3\n")
        #expect(file.statements == ["a": "SELECT 1,\n  2", "b": "SELECT 3"])
        for text in ["SELECT 1", "-- name: a\n", "-- name: a\nX\n-- name: a\nY"] {
            #expect(throws: PostgresStoreError.self) { try SQLFile(label: "x", text: text) }
        }
    }
}
