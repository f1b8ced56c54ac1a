import HTTPTypes
import Market
import QuartetDatabases
import Testing

/// Accounts, listings and what else the market has by the calls of resources.
@Suite("Market's resources") struct MarketResourceTests {
    @Test("an account's secret is taken and shown to nobody")
    func secret() async throws {
        try await House.open(.threeDatabases) { house in
            let account = #"{"id": "a-1", "marketplace": "m", "name": "n", "secret": "hunter2"}"#
            let made = try await house.call(.post, "/v1/market_accounts", account)
            #expect(made.status == 201 && made.json["is_active"] as? Bool == true, "\(made.text)")
            let changed = try await house.call(
                .patch, "/v1/market_accounts/a-1", #"{"secret": "hunter3"}"#, [.ifMatch: made.tag])
            #expect(changed.status == 200 && changed.tag != made.tag)
            let read = try await house.call(.get, "/v1/market_accounts/a-1")
            let list = try await house.call(.get, "/v1/market_accounts?marketplace=m")
            for answer in [made, changed, read, list] { #expect(!answer.text.contains("hunter"), "\(answer.text)") }
            #expect(list.ids("market_accounts") == ["a-1"])
            #expect(
                try await house.marketCount("SELECT count(*) FROM {market_accounts} WHERE secret = 'hunter3'") == 1)
        }
    }

    @Test("a listing is of one item of a market, of an account that is there, and each change is an event")
    func listings() async throws {
        try await House.open(.threeDatabases) { house in
            let listing = #"{"id": "상품-1@m", "product_id": "상품-1", "marketplace": "m", "market_item_id": "7"}"#
            let made = try await house.call(.post, "/v1/market_listings", listing)
            #expect(made.status == 201 && made.json["status"] as? String == "draft", "\(made.text)")
            let second = listing.replacing("상품-1@m", with: "other")
            let conflict = try await house.call(.post, "/v1/market_listings", second)
            #expect(conflict.status == 409 && conflict.detail == "another listing is of this market_item_id")
            for (change, reason) in [
                (#"{"account_id": "nobody"}"#, "there is no market account"),
                (#"{"status": "lost"}"#, "status is draft"),
            ] {
                let path = try #require(made.headers[.location])
                let refused = try await house.call(.patch, path, change, [.ifMatch: "*"])
                #expect(refused.status == 409 && refused.detail.hasPrefix(reason), "\(refused.text)")
            }
            let path = try #require(made.headers[.location])
            #expect(try await house.call(.patch, path, #"{"price": 5}"#, [.ifMatch: made.tag]).status == 200)
            #expect(try await house.call(.delete, path, nil, [.ifMatch: "*"]).status == 200)
            // The item is free again.
            #expect(try await house.call(.post, "/v1/market_listings", second).status == 201)
            let events = try await house.events(of: Table("market_listings"))
            #expect(
                events == ["created", "updated", "deleted"].map { "market.listing.\($0) 상품-1@m" }
                    + ["market.listing.created other"])
        }
    }

    @Test("raw rows, benchmarks and their jobs come in by import as well")
    func others() async throws {
        try await House.open(.oneDatabase) { house in
            _ = try await house.call(.post, "/v1/market_accounts", #"{"id": "a", "marketplace": "m", "name": "n"}"#)
            for table in ["market_product_raw", "market_order_raw"] {
                let rows = (1...3).map { #"{"id": "r\#($0)", "account_id": "a", "payload": {"n": [\#($0), "값"]}}"# }
                let answer = try await house.call(.post, "/v1/\(table):import", rows.joined(separator: "\n"))
                #expect(answer.json["changed"] as? Int == 3, "\(answer.text)")
                let row = try await house.call(.get, "/v1/\(table)/r2")
                #expect(row.text.contains(#""payload":{"n":[2,"값"]}"#), "\(row.text)")
                #expect(try await house.call(.get, "/v1/\(table)?account_id=a").ids(table) == ["r1", "r2", "r3"])
            }
            let job = #"{"id": "j", "marketplace": "m", "query": "찻잔"}"#
            #expect(try await house.call(.post, "/v1/benchmark_collect_jobs", job).status == 201)
            let csv = "id,marketplace,name,job_id,price,rating\nb1,m,Cup,j,1200,87\nb2,m,잔,j,,\n"
            let imported = try await house.call(
                .post, "/v1/benchmark_products:import", csv, [.contentType: "text/csv"])
            #expect(imported.json["changed"] as? Int == 2, "\(imported.text)")
            #expect(
                try await house.call(.get, "/v1/benchmark_products?job_id=j").ids("benchmark_products") == ["b1", "b2"])
            let done = try await house.call(
                .patch, "/v1/benchmark_collect_jobs/j",
                #"{"status": "done", "found": 2, "ended_at": "2026-01-01T00:00:00Z"}"#, [.ifMatch: "*"])
            #expect(done.status == 200 && done.json["found"] as? Int == 2)
        }
    }
}
