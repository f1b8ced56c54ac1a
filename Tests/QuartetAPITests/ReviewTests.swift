import HTTPTypes
import QuartetCore
import QuartetTesting
import Testing

@Suite struct ReviewTests {
    private let path = "/v1/products/p-1/reviews"

    @Test func anArrayIsStoredOnce() async throws {
        let api = APIFixture()
        try await api.addReviews(0)
        try await api.run { caller in
            let body = #"[{"id": "a", "text": "좋아요", "rating": 9, "date": "24.01.02"}, {"id": "b", "text": "ok"}]"#
            let first = try await caller.call(.post, path, body)
            #expect(first.status == 200)
            #expect(first.json["added"] as? Int == 2)
            let second = try await caller.call(.post, path, body)
            #expect(second.json["added"] as? Int == 0)
            #expect(second.json["known"] as? Int == 2)
            let stored = try await api.reviews.reviews(["a"], of: api.product)[0]
            #expect(stored == Review(id: "a", text: "좋아요", rating: 9, date: "24.01.02"))
        }
    }

    @Test func linesAreStored() async throws {
        let api = APIFixture()
        try await api.addReviews(0)
        try await api.run { caller in
            let body = "{\"id\": \"a\", \"text\": \"x\"}\n\n{\"id\": \"b\", \"text\": \"y\"}\r\n"
            let answer = try await caller.call(.post, path, body, contentType: "application/x-ndjson")
            #expect(answer.json["added"] as? Int == 2)
        }
    }

    @Test(arguments: [
        ("[]", 422, "no-reviews", ""), ("{}", 422, "bad-type", "the body is not an array"),
        (#"[{"id": "a", "text": ""}]"#, 422, "empty-review", "[0].text is empty"),
        (#"[{"id": "a", "text": "x"}, {"id": "", "text": "x"}]"#, 422, "bad-review-id", "[1].id is not \(ShopID.rule)"),
        (#"[{"id": "e\u0301", "text": "x"}]"#, 422, "bad-review-id", "[0].id is not \(ShopID.rule)"),
        (#"[{"id": "a", "text": "x", "rating": 11}]"#, 422, "bad-rating", "[0].rating is 1 to 10, in halves"),
        (#"[{"id": "a", "text": "x", "rating": 4.3}]"#, 422, "bad-rating", "[0].rating is 1 to 10, in halves"),
        (#"[{"id": "a", "text": "x", "rating": 1e999}]"#, 422, "bad-value", "[0].rating: the number is out of range"),
        (#"[{"id": "a", "text": "x", "rating": "9"}]"#, 422, "bad-type", "[0].rating is not a number"),
        (#"[{"id": "a", "text": 9}]"#, 422, "bad-type", "[0].text is not a string"),
        (#"[{"id": "a"}]"#, 422, "missing-field", "[0].text is missing"),
        (#"[{"id": "a", "text": "x", "stars": 3}]"#, 422, "bad-value", "[0].stars: unknown field"),
        (#"[{"id": 1.5, "text": "x"}]"#, 422, "bad-type", "[0].id is not a string"),
        (#"[{"id": "a", "text": "x"}, 3]"#, 422, "bad-type", "[1] is not an object"),
        ("[{", 400, "not-json", "the body is not JSON in UTF-8"),
        (#"[{"id": "a", "text": "x"}}"#, 400, "not-json", "the body is not JSON in UTF-8"),
        (#"[{"id": "a", "text": "x"},]"#, 400, "not-json", "the body is not JSON in UTF-8"),
        (#"[{"id": "a", "text": "x"}] []"#, 400, "not-json", "the body is not JSON in UTF-8"),
        (#"[{"id": "a", "text": "x"}, {"id" "b"}]"#, 400, "not-json", "[1] is not JSON in UTF-8"),
        ("[\"\\", 400, "not-json", "the body is not JSON in UTF-8"), ("", 400, "not-json", ""),
    ])
    func badReviewsAreNamedAndNothingIsStored(
        _ body: String, _ status: Int, _ problem: String, _ detail: String
    ) async throws {
        let api = APIFixture()
        try await api.addReviews(0)
        try await api.run { caller in
            let answer = try await caller.call(.post, path, body)
            #expect(answer.status == status)
            #expect(answer.problem == problem)
            if !detail.isEmpty { #expect(answer.detail == detail) }
            #expect(try await api.reviews.haveReviews([api.product]) == [false])
        }
    }

    @Test func shopsMayWriteThingsTheirWay() async throws {
        let api = APIFixture()
        try await api.addReviews(0)
        try await api.run { caller in
            let body = """
                \u{FEFF} [ {"id": 9007199254740993, "text": "[\\"}", "rating": 4.5, "date": 20240124},
                {"id": "b", "text": "y", "rating": null, "date": "2024년 1월 24일 (수) 10:00:00 KST"},
                {"id": "b", "text": "z"} ]\r\n
                """
            let answer = try await caller.call(.post, path, body)
            #expect(answer.json as? [String: Int] == ["received": 3, "added": 2, "known": 1])
            let stored = try await api.reviews.reviews(["9007199254740993", "b"], of: api.product)
            #expect(
                stored == [
                    Review(id: "9007199254740993", text: "[\"}", rating: 4.5, date: "20240124"),
                    Review(id: "b", text: "y", date: "2024년 1월 24일 (수) 10:00:00 KST"),
                ])
        }
    }

    @Test(arguments: [true, false]) func whoWantsItHasTheRestTaken(isLines: Bool) async throws {
        let api = APIFixture()
        try await api.addReviews(0)
        try await api.run { caller in
            let reviews = [
                #"{"id": "a", "text": "x"}"#, #"{"id": "b", "text": ""}"#, "nonsense", #"{"id": "c", "text": "y"}"#,
            ]
            let answer = try await caller.call(
                .post, path, isLines ? reviews.joined(separator: "\n") : "[\(reviews.joined(separator: ","))]",
                contentType: isLines ? "application/x-ndjson" : "application/json",
                headers: ["Prefer": "respond-async, handling=lenient"])
            #expect(answer.status == 200)
            #expect(answer.headers[.init("Preference-Applied")!] == "handling=lenient")
            #expect(answer.json["received"] as? Int == 2)
            let rejected = try #require(answer.json["rejected"] as? [[String: Any]])
            #expect(
                rejected.map { $0["type"] as? String }
                    == ["empty-review", "not-json"].map { "urn:quartet:problem:\($0)" })
            #expect(rejected.map { $0[isLines ? "line" : "index"] as? Int } == (isLines ? [2, 3] : [1, 2]))
            #expect(rejected[0]["detail"] as? String == (isLines ? "line 2: text is empty" : "[1].text is empty"))
            #expect(
                try await api.reviews.reviews(["a", "b", "c"], of: api.product).map { $0 != nil } == [
                    true, false, true,
                ])

            let nothing = try await caller.call(.post, path, "[1]", headers: ["Prefer": "handling=lenient"])
            #expect(nothing.json["received"] as? Int == 0 && nothing.json["added"] as? Int == 0)
        }
    }

    @Test func aReviewOverTheLimitIsRefused() async throws {
        let api = APIFixture()
        try await api.addReviews(0)
        try await api.run { caller in
            let text = String(repeating: "가", count: 34)
            let answer = try await caller.call(.post, path, #"[{"id": "a", "text": "\#(text)"}]"#)
            #expect(answer.problem == "review-too-large")
            #expect(answer.detail == "[0].text has 102 bytes; 100 are allowed")
        }
    }

    @Test func tooManyReviewsAreRefused() async throws {
        let api = APIFixture()
        try await api.addReviews(0)
        try await api.run { caller in
            let body = (0...50).map { #"{"id": "\#($0)", "text": "x"}"# }.joined(separator: ",")
            let tooMany = try await caller.call(.post, path, "[\(body)]")
            #expect(tooMany.problem == "too-many-reviews")
            // Whatever follows, it is not looked at.
            let cutOff = try await caller.call(.post, path, "[\(body),nonsense")
            #expect(cutOff.problem == "too-many-reviews")
            let oneLarge = String(repeating: " ", count: 5_000)
            let large = try await caller.call(.post, path, #"[{"id": "a", \#(oneLarge)"text": "x"}]"#)
            #expect(large.problem == "review-too-large")
            let tooLarge = try await caller.call(.post, path, String(repeating: "[", count: 9_000))
            #expect(tooLarge.problem == "body-too-large")
        }
    }

    @Test func aBadLineIsNamed() async throws {
        let api = APIFixture()
        try await api.addReviews(0)
        try await api.run { caller in
            let body = "{\"id\": \"a\", \"text\": \"x\"}\n{\"id\": []}"
            let answer = try await caller.call(.post, path, body, contentType: "application/x-ndjson")
            #expect(answer.detail == "line 2: id is not a string")
            let nonsense = try await caller.call(.post, path, "nonsense", contentType: "application/x-ndjson")
            #expect(nonsense.detail == "line 1 is not JSON in UTF-8")
            let behindAnEmptyLine = "\n \n{\"id\": \"a\", \"text\": \"\"}"
            let other = try await caller.call(.post, path, behindAnEmptyLine, contentType: "application/x-ndjson")
            #expect(other.detail == "line 3: text is empty")
        }
    }

    @Test func invalidUTF8IsRefused() async throws {
        let api = APIFixture()
        try await api.addReviews(0)
        try await api.run { caller in
            let bytes = Array(#"[{"id": "a", "text": ""#.utf8) + [0xC3, 0x28] + Array(#""}]"#.utf8)
            let answer = try await caller.call(.post, path, bytes: bytes)
            #expect(answer.status == 400)
            #expect(try await api.reviews.haveReviews([api.product]) == [false])
        }
    }

    @Test func otherContentIsRefused() async throws {
        let api = APIFixture()
        try await api.addReviews(0)
        try await api.run { caller in
            let answer = try await caller.call(.post, path, "a,b", contentType: "text/csv")
            #expect(answer.status == 415)
        }
    }

    @Test(arguments: ["", ";", " ; charset=utf-8", "application/json; charset=utf-8"])
    func contentWithoutATypeIsJSON(_ contentType: String) async throws {
        let api = APIFixture()
        try await api.addReviews(0)
        try await api.run { caller in
            let answer = try await caller.call(.post, path, #"[{"id": "a", "text": "x"}]"#, contentType: contentType)
            #expect(answer.status == 200)
        }
    }

    @Test func anUnknownProductIsRefused() async throws {
        let api = APIFixture()
        try await api.run { caller in
            let answer = try await caller.call(.post, path, #"[{"id": "a", "text": "x"}]"#)
            #expect(answer.problem == "unknown-product")
            let encoded = try await caller.call(.post, "/v1/products/sku%3A42/reviews", #"[{"id": "a", "text": "x"}]"#)
            #expect(encoded.problem == "unknown-product")
            #expect(encoded.detail.contains("sku:42"))
            let badID = try await caller.call(.post, "/v1/products/a%0Ab/reviews", "[]")
            #expect(badID.problem == "bad-product-id")
        }
    }

    @Test func productsAreCreatedRenamedAndListed() async throws {
        let api = APIFixture()
        try await api.run { caller in
            let created = try await caller.call(.put, "/v1/products/p-9")
            #expect(created.json["version"] as? Int == 1)
            let renamed = try await caller.call(.put, "/v1/products/p-9", #"{"name": "Nine"}"#)
            #expect(renamed.json["version"] as? Int == 2)
            let unnamed = try await caller.call(.put, "/v1/products/p-9", #"{"name": ""}"#)
            #expect(unnamed.problem == "bad-name")
            _ = try await caller.call(.put, "/v1/products/p-8")
            let list = try await caller.call(.get, "/v1/products?limit=1")
            #expect((list.json["products"] as? [[String: Any]])?.first?["id"] as? String == "p-8")
            #expect(list.json["next"] as? String == "p-8")
            let badLimit = try await caller.call(.get, "/v1/products?limit=x")
            #expect(badLimit.problem == "bad-parameter")
        }
    }
}
