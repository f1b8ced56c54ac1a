import Foundation
import HTTPTypes
import Postgres
import QuartetCore
import QuartetDatabases
import QuartetTesting
import ServiceSupport
import Testing

@testable import QuartetService

/// Columns that name rows of other databases.
@Suite("References") struct ReferenceTests {
    @Test("they are read as they are", .serialized, arguments: ReferenceCheckStoreConformance.behaviours)
    func conforms(_ behaviour: Conformance<ReferenceCheckStoreSubject>) async throws {
        try await House.open(.threeDatabases) { house in
            let (listings, products) = (Table("market_listings"), Table("products"))
            let reference = Reference(
                listings, key: "listing_id", column: "product_id", to: products, targetKey: ("product_id", "text"),
                cure: .report)
            let checkStore = try PostgresReferenceCheckStore(reference, databases: house.databases) { _ in }
            let subject = ReferenceCheckStoreSubject(checkStore: checkStore) { row in
                let place = house.databases.tables[listings]
                let insert = """
                    INSERT INTO \(place.schema).market_listings (listing_id, product_id, marketplace, version, updated_at)
                    VALUES ($1, $2, 'm', $3, $4)
                    """
                _ = try await house.databases.client(of: place.database).query(
                    PostgresStatement(insert, row.key, row.target, row.version, row.changedAt))
            } plantTarget: { target in
                let place = house.databases.tables[products]
                let insert = """
                    INSERT INTO \(place.schema).products (product_id, name, version, created_at, updated_at)
                    VALUES ($1, 'n', 1, now(), now())
                    """
                _ = try await house.databases.client(of: place.database).query(PostgresStatement(insert, target))
            }
            try await behaviour.check(subject)
        }
    }

    @Test("each of every service can be asked for, wherever its tables are", arguments: Layout.allCases)
    func all(_ layout: Layout) async throws {
        try await House.open(layout) { house in
            let references = HouseServices.all.flatMap { $0.references }
            #expect(references.count >= 5)
            for reference in references {
                let store = try PostgresReferenceCheckStore(reference, databases: house.databases) { _ in }
                #expect(try await store.references(behind: nil, limit: 10).isEmpty, "\(store.name)")
                let id = "11111111-2222-7333-8444-555555555555"
                let isOfKnownSuppliersAlone = store.target == "supplier_item_raw"
                #expect(try await store.present([id]) == (isOfKnownSuppliersAlone ? [id] : []), "\(store.name)")
            }
        }
    }

    @Test(
        "a row that names what is not there is cleared by its resource, with its version, unless it changed meanwhile")
    func cleared() async throws {
        try await House.open(.threeDatabases) { house in
            let body = #"{"marketplace": "m", "name": "n", "product_id": "nobody"}"#
            #expect(try await house.call(.put, "/v1/benchmark_products/b", body).status == 201)
            let reference = try #require(
                HouseServices.all.flatMap { $0.references }.first { $0.table == Table("benchmark_products") })
            let resource = try #require(
                house.services.flatMap(\.resources).compactMap { $0 as? ResourceEndpoints }
                    .first { $0.name == "benchmark_products" })
            let store = try PostgresReferenceCheckStore(reference, databases: house.databases) { row in
                try await resource.clear(reference.column, of: row.key, ifVersion: row.version)
            }
            let seen = try await store.references(behind: nil, limit: 10)
            #expect(seen.map(\.target) == ["nobody"])
            let renamed = #"{"marketplace": "m", "name": "another"}"#
            #expect(try await house.call(.put, "/v1/benchmark_products/b", renamed).status == 200)
            try await store.mend(seen)
            #expect(try await store.references(behind: nil, limit: 10).map(\.target) == ["nobody"])
            try await store.mend(store.references(behind: nil, limit: 10))
            #expect(try await store.references(behind: nil, limit: 10).isEmpty)
            let now = try await house.call(.get, "/v1/benchmark_products/b")
            #expect(now.json["name"] as? String == "another" && now.json["product_id"] == nil)
        }
    }
}
