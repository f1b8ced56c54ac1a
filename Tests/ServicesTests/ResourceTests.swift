import Catalog
import Foundation
import HTTPTypes
import NIOCore
import QuartetDatabases
import Testing
import Zlib

/// What all resources have in common, on products and categories.
@Suite("Resources") struct ResourceTests {
    @Test(
        "a row is created, read, changed under its version, and deleted, each with its event",
        arguments: Layout.allCases)
    func life(_ layout: Layout) async throws {
        try await House.open(layout) { house in
            let body = #"{"id": "상품-1", "name": "찻잔", "price": 12000, "brand": "도자기"}"#
            let made = try await house.call(.post, "/v1/products", body)
            #expect(
                made.status == 201 && made.json["price"] as? Int == 12_000 && made.json["currency"] as? String == "KRW")
            let path = try #require(made.headers[.location])
            #expect(try await house.call(.post, "/v1/products", body).status == 409)

            let read = try await house.call(.get, path)
            #expect(read.status == 200 && read.tag == made.tag && read.json["name"] as? String == "찻잔")
            let change = #"{"price": 9900, "list_price": 12000, "discount_rate": 17}"#
            #expect(try await house.call(.patch, path, change).status == 428)
            #expect(try await house.call(.patch, path, change, [.ifMatch: "\"77\""]).status == 412)
            let changed = try await house.call(.patch, path, change, [.ifMatch: made.tag])
            #expect(changed.status == 200 && changed.tag != made.tag && changed.json["brand"] as? String == "도자기")
            // What changes nothing is no new version.
            #expect(try await house.call(.patch, path, change, [.ifMatch: "*"]).tag == changed.tag)

            let put = try await house.call(.put, path, #"{"name": "찻잔", "stock": 3}"#)
            #expect(put.status == 200 && put.json["stock"] as? Int == 3 && put.json["price"] as? Int == 9_900)
            #expect(try await house.call(.delete, path).status == 428)
            #expect(try await house.call(.delete, path, nil, [.ifMatch: changed.tag]).status == 412)
            #expect(try await house.call(.delete, path, nil, [.ifMatch: put.tag]).status == 200)
            #expect(try await house.call(.get, path).status == 404)
            #expect(try await house.call(.patch, path, change, [.ifMatch: "*"]).status == 404)
            #expect(try await house.call(.post, "/v1/products", body).status == 201)

            let kinds = ["created", "updated", "updated", "deleted", "created"]
            #expect(try await house.events(of: .products) == kinds.map { "catalog.product.\($0) 상품-1" })
            let prices = try await house.call(.get, "\(path)/prices").json["prices"] as? [[String: Any]] ?? []
            #expect(prices.compactMap { $0["price"] as? Int } == [12_000, 9_900, 12_000])
        }
    }

    @Test(
        "nothing is changed under a condition that does not hold, and nothing is sent that the caller has",
        arguments: [
            ("/v1/categories/c", #"{"name": "n"}"#), ("/v1/products/p", #"{"name": "n"}"#),
            ("/v1/products/p", #"{"name": "n", "price": 5}"#),
            ("/v1/users/11111111-2222-7333-8444-555555555555", #"{"nickname": "n", "name": "n", "email": "e"}"#),
        ])
    func conditions(_ path: String, _ body: String) async throws {
        try await House.open(.oneDatabase) { house in
            let changed = body.replacing(#""n""#, with: #""m""#)
            for tag in ["*", "\"1\""] {
                #expect(try await house.call(.put, path, body, [.ifMatch: tag]).status == 404)
            }
            let made = try await house.call(.put, path, body, [.ifNoneMatch: "*"])
            #expect([200, 201].contains(made.status) && made.tag == "\"1\"", "\(made.text)")
            #expect(try await house.call(.put, path, changed, [.ifNoneMatch: "*"]).status == 409)
            let other = try await house.call(.put, path, changed, [.ifMatch: "\"7\""])
            #expect(other.status == 412 && other.detail == "it is at version 1 by now", "\(other.text)")
            let held = try await house.call(.put, path, changed, [.ifMatch: made.tag])
            #expect(held.status == 200 && held.tag == "\"2\"" && held.text.contains(#""m""#), "\(held.text)")
            #expect(try await house.call(.put, path, body, [.ifMatch: "*"]).tag == "\"3\"")

            for known in ["\"3\"", "W/\"3\"", "\"2\", \"3\"", "*"] {
                let read = try await house.call(.get, path, nil, [.ifNoneMatch: known])
                #expect(read.status == 304 && read.text.isEmpty && read.tag == "\"3\"", "\(known) \(read.status)")
            }
            #expect(try await house.call(.get, path, nil, [.ifNoneMatch: "\"2\""]).status == 200)
            #expect(try await house.call(.delete, path, nil, [.ifMatch: "\"2\""]).status == 412)
            #expect(try await house.call(.delete, path, nil, [.ifMatch: "\"3\""]).status == 200)
        }
    }

    @Test("lists are filtered, in the order of what has an index, and go on where a page ended")
    func lists() async throws {
        try await House.open(.threeDatabases) { house in
            _ = try await house.call(.put, "/v1/categories/cups", #"{"name": "Cups"}"#)
            for number in 1...7 {
                let category = number % 2 == 0 ? #", "category_id": "cups""# : ""
                let body = #"{"id": "p\#(number)", "name": "n", "price": \#(number % 3)\#(category)}"#
                #expect(try await house.call(.post, "/v1/products", body).status == 201)
            }
            let cups = try await house.call(.get, "/v1/products?category_id=cups&sort=price")
            #expect(cups.ids("products") == ["p6", "p4", "p2"])
            var (ids, next): ([String], String?) = ([], "")
            while let cursor = next {
                let page = try await house.call(
                    .get, "/v1/products?sort=-price&limit=2\(cursor.isEmpty ? "" : "&cursor=\(cursor)")")
                ids += page.ids("products")
                next = page.json["next"] as? String
            }
            #expect(ids == ["p5", "p2", "p7", "p4", "p1", "p6", "p3"])
            #expect(try await house.call(.get, "/v1/products?limit=3").ids("products") == ["p1", "p2", "p3"])
            // Cursors that nobody gave out.
            let forged = ["abc", "99999999999999999999", ""].map { value in
                let cursor = #"{"sort":"price","descending":false,"value":"\#(value)","key":"p1"}"#
                return "sort=price&cursor=\(Data(cursor.utf8).base64EncodedString().filter { $0 != "=" })"
            }
            for query in ["sort=stock", "stock=1", "sort=price&cursor=x", "limit=0&sort=price"] + forged {
                #expect(try await house.call(.get, "/v1/products?\(query)").status == 400, "\(query)")
            }
        }
    }

    @Test("what can't be is refused by its name, and a conflict says with what")
    func refusals() async throws {
        try await House.open(.threeDatabases) { house in
            let wrong = [
                #"{"id": "a"}"#: "name is missing", #"{"id": "a", "name": ""}"#: "name is 1 to 512 bytes",
                #"{"id": "a", "name": "n", "price": -1}"#: "price is an integer",
                #"{"id": "a", "name": "n", "price": 1.5}"#: "price is an integer",
                #"{"id": "a", "name": "n", "currency": "won"}"#: "currency is three letters",
                #"{"id": "a", "name": "n", "colour": "red"}"#: "colour is no field of a product",
                #"{"id": "\#(String(repeating: "상", count: 43))", "name": "n"}"#: "id is 1 to 128 bytes",
            ]
            for (body, reason) in wrong {
                let answer = try await house.call(.post, "/v1/products", body)
                #expect(answer.status == 422 && answer.detail.contains(reason), "\(body) \(answer.text)")
            }
            #expect(try await house.call(.post, "/v1/products", "{").status == 400)
            let strange = try await house.call(
                .post, "/v1/products", #"{"id": "a", "name": "n", "category_id": "none"}"#)
            #expect(strange.status == 409 && strange.detail == "there is no category of this category_id")
            for id in ["a", "b"] {
                let body = #"{"id": "\#(id)", "name": "n", "supplier_item_id": "s-1"}"#
                let answer = try await house.call(.post, "/v1/products", body)
                #expect(answer.status == (id == "a" ? 201 : 409))
                if id == "b" { #expect(answer.detail == "another product is of this supplier_item_id") }
            }
            #expect(
                try await house.call(.put, "/v1/products/a", #"{"name": "n", "stock": 1}"#, [.ifNoneMatch: "*"]).status
                    == 409)
        }
    }

    @Test("many rows are made as they are given, packed or not, and a faulty one is named")
    func imports() async throws {
        try await House.open(.threeDatabases) { house in
            let lines = (1...2_500).map { #"{"id": "i\#($0)", "name": "n \#($0)", "price": \#($0)}"# }
            let packed = try #require(Gzip.packed(ByteBuffer(string: lines.joined(separator: "\n"))))
            let first = try await house.call(.post, "/v1/products:import", bytes: packed, [.contentEncoding: "gzip"])
            #expect(first.status == 200 && first.json["changed"] as? Int == 2_500, "\(first.text)")
            let again = try await house.call(.post, "/v1/products:import", lines.joined(separator: "\n"))
            #expect(again.json["received"] as? Int == 2_500 && again.json["changed"] as? Int == 0)
            #expect(try await house.events(of: .products).count == 2_500)

            let csv =
                "id,name,price,supplier_item_id\r\nc1,\"a \"\"b\"\", c\",5,s\r\nc2,x,no,\r\nc3,y,6,s\r\nc4,z,,\r\n"
            #expect(try await house.call(.post, "/v1/products:import", csv, [.contentType: "text/csv"]).status == 422)
            #expect(try await house.call(.get, "/v1/products/c1").status == 404)
            let lenient: [HTTPField.Name: String] = [
                .contentType: "text/csv", try #require(HTTPField.Name("Prefer")): "handling=lenient",
            ]
            let some = try await house.call(.post, "/v1/products:import", csv, lenient)
            let refused = some.json["refused"] as? [[String: Any]] ?? []
            #expect(refused.compactMap { $0["line"] as? Int } == [3, 4] && some.json["changed"] as? Int == 2)
            #expect(try await house.call(.get, "/v1/products/c1").json["name"] as? String == "a \"b\", c")
        }
    }

    @Test("what one row is wrong in costs no other one, and what can be meant two ways is refused")
    func oddRows() async throws {
        try await House.open(.oneDatabase) { house in
            let prefer = try #require(HTTPField.Name("Prefer"))
            func imported(_ bytes: [UInt8], _ type: String) async throws -> (changed: Int?, refused: [String]) {
                let answer = try await house.call(
                    .post, "/v1/products:import", bytes: ByteBuffer(bytes: bytes),
                    [.contentType: type, prefer: "handling=lenient"])
                let refused = answer.json["refused"] as? [[String: Any]] ?? []
                return (answer.json["changed"] as? Int, refused.compactMap { $0["detail"] as? String })
            }
            // A letter of Latin 1, something behind a quote, and a quote that does not close.
            let rows: [UInt8] =
                Array("id,name\r\no1,a\r\no2,caf".utf8) + [0xE9]
                + Array("\no3,\"b\"c\no4,\"two\r\nlines\"\no5,\"never\no6,d".utf8)
            let csv = try await imported([0xEF, 0xBB, 0xBF] + rows, "text/csv")
            #expect(csv.changed == 2)
            #expect(csv.refused == [3, 4, 7].map { "line \($0) is no row of CSV in UTF-8" }, "\(csv)")
            #expect(try await house.call(.get, "/v1/products/o4").json["name"] as? String == "two\r\nlines")

            let lines = [
                #"{"id": "p1", "name": "a"}"#, #"{"id": "p2", "name": "a", "name": "b"}"#,
                #"{"id": "p3", "id": "p4", "name": "a"}"#, #"{"id": "p5", "name": "a", "price": 9007199254740993.0}"#,
                #"{"id": "p6", "name": "a", "price": 9007199254740993}"#, #"{"id": "p7", "name": "a", "price": 5.0}"#,
            ]
            let json = try await imported(
                [0xEF, 0xBB, 0xBF] + lines.joined(separator: "\n").utf8, "application/x-ndjson")
            #expect(json.changed == 3 && json.refused.count == 3, "\(json)")
            #expect(json.refused.first == "line 2: name is there twice")
            #expect(json.refused.dropFirst().first == "line 3: id is there twice")
            let hexadecimal = try await imported(Array("id,name,price\nh1,a,0x10\nh2,a,7".utf8), "text/csv")
            #expect(hexadecimal.changed == 1 && hexadecimal.refused.count == 1)
            let twice = try await house.call(.put, "/v1/categories/c", #"{"name": "a", "name": "b"}"#)
            #expect(twice.status == 422 && twice.detail == "name is there twice")
        }
    }
}
