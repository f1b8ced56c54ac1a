import HTTPTypes
import QuartetCore
import QuartetTesting
import Testing

@Suite struct SubmitTests {
    private let body = #"{"product_id": "p-1"}"#

    @Test func aSubmissionIsAccepted() async throws {
        let api = APIFixture()
        try await api.addReviews()
        try await api.run { caller in
            let answer = try await caller.call(.post, "/v1/analyses", body)
            #expect(answer.status == 202)
            #expect(answer.json["status"] as? String == "queued")
            let id = try #require((answer.json["id"] as? String).flatMap { RequestID($0) })
            #expect(answer.headers[.location] == "/v1/analyses/\(id)")
            #expect(try await api.requests.requests([id])[0]?.productID == api.product)
        }
    }

    @Test(arguments: [
        ("application/json", 202), ("Application/JSON; charset=utf-8", 202), ("application/vnd.shop+json", 202),
        ("application/x-www-form-urlencoded", 202), ("text/plain;charset=UTF-8", 202), ("application/xml", 415),
        ("multipart/form-data; boundary=x", 415), ("application/x-ndjson", 415),
    ])
    func aBodyIsCalledJSON(_ type: String, _ status: Int) async throws {
        let api = APIFixture()
        try await api.addReviews()
        try await api.run { caller in
            let answer = try await caller.call(.post, "/v1/analyses", body, contentType: type)
            #expect(answer.status == status)
        }
    }

    @Test func aRepeatedKeyGetsTheFirstAnswer() async throws {
        let api = APIFixture()
        try await api.addReviews()
        try await api.run { caller in
            let headers = ["Idempotency-Key": "k-1"]
            let first = try await caller.call(.post, "/v1/analyses", body, headers: headers)
            let second = try await caller.call(.post, "/v1/analyses", #"{"product_id":"p-1"}"#, headers: headers)
            #expect(second.status == 202)
            #expect(first.json["id"] as? String == second.json["id"] as? String)
            #expect(second.headers[.init("Idempotency-Replayed")!] == "true")
        }
    }

    @Test func aRepeatedKeyWithAnotherBodyIsRefused() async throws {
        let api = APIFixture()
        try await api.addReviews()
        let other = ProductID("p-2")!
        _ = try await FakeProductStore(database: api.database).put([(other, "another")])
        _ = try await api.reviews.add([Review(id: "r", text: "t")], to: other)
        try await api.run { caller in
            let headers = ["Idempotency-Key": "k-1"]
            _ = try await caller.call(.post, "/v1/analyses", body, headers: headers)
            let second = try await caller.call(.post, "/v1/analyses", #"{"product_id": "p-2"}"#, headers: headers)
            #expect(second.status == 409)
            #expect(second.problem == "idempotency-key-reused")
        }
    }

    @Test(arguments: [
        ("{", 400, "not-json"), ("", 400, "not-json"), (#"{"product_id": 7}"#, 422, "bad-type"),
        (#"{"product_id": null}"#, 422, "bad-type"), ("{}", 422, "missing-field"), ("[]", 422, "bad-type"),
        (#"{"product_id": "p-1", "colour": "red"}"#, 422, "bad-value"),
        (#"{"product_id": ""}"#, 400, "bad-product-id"), (#"{"product_id": "a\nb"}"#, 400, "bad-product-id"),
        (#"{"product_id": "e\u0301"}"#, 400, "bad-product-id"),
        (#"{"product_id": "nobody"}"#, 404, "unknown-product"),
    ])
    func badBodiesAreNamed(_ body: String, _ status: Int, _ problem: String) async throws {
        let api = APIFixture()
        try await api.addReviews()
        try await api.run { caller in
            let answer = try await caller.call(.post, "/v1/analyses", body)
            #expect(answer.status == status)
            #expect(answer.problem == problem)
        }
    }

    @Test func anUnknownFieldIsNamed() async throws {
        let api = APIFixture()
        try await api.run { caller in
            let answer = try await caller.call(.post, "/v1/analyses", #"{"product_id": "p-1", "colour": "red"}"#)
            #expect(answer.detail == "colour: unknown field")
        }
    }

    @Test func invalidUTF8IsNotJSON() async throws {
        let api = APIFixture()
        try await api.run { caller in
            let bytes = Array(#"{"product_id": ""#.utf8) + [0xFF, 0xFE] + Array(#""}"#.utf8)
            let answer = try await caller.call(.post, "/v1/analyses", bytes: bytes)
            #expect(answer.status == 400)
        }
    }

    @Test func aBodyThatIsTooLargeIsRefused() async throws {
        let api = APIFixture()
        try await api.run { caller in
            let answer = try await caller.call(.post, "/v1/analyses", String(repeating: " ", count: 20_000))
            #expect(answer.status == 413)
            #expect(answer.problem == "body-too-large")
        }
    }

    @Test func aProductWithoutReviewsIsRefused() async throws {
        let api = APIFixture()
        try await api.addReviews(0)
        try await api.run { caller in
            let answer = try await caller.call(.post, "/v1/analyses", body)
            #expect(answer.status == 409)
            #expect(answer.problem == "no-reviews")
        }
    }

    @Test func submittingNeedsPostgreSQLOnly() async throws {
        let api = APIFixture()
        try await api.addReviews()
        api.reviews.failNext(.haveReviews, with: Away())
        try await api.run { caller in
            let accepted = try await caller.call(.post, "/v1/analyses", body)
            #expect(accepted.status == 202)
        }
    }

    @Test(.timeLimit(.minutes(5))) func aStoreThatHangsDoesNotHoldSubmitsUp() async throws {
        var api = APIFixture()
        try await api.addReviews()
        api.reviewReader = HangingReviewStore()
        try await api.run { caller in
            for _ in 0..<3 {
                let accepted = try await caller.call(.post, "/v1/analyses", body)
                #expect(accepted.status == 202)
            }
        }
    }

    /// The caller can't know whether it was stored; its own id can.
    @Test func aSubmissionWhoseAnswerWasLostIsStoredOnce() async throws {
        let api = APIFixture()
        try await api.addReviews()
        api.database.failNext(.submit, with: AnswerLost(), tookEffect: true)
        try await api.run { caller in
            let accepted = try await caller.call(.post, "/v1/analyses", body)
            #expect(accepted.status == 202)
            #expect(accepted.headers[try #require(HTTPField.Name("Idempotency-Replayed"))] == nil)
            let id = try #require((accepted.json["id"] as? String).flatMap { RequestID($0) })
            #expect(try await api.requests.requests([id])[0]?.status == .queued)

            for _ in 0..<2 { api.database.failNext(.submit, with: AnswerLost(), tookEffect: true) }
            let unknown = try await caller.call(.post, "/v1/analyses", body)
            #expect(unknown.status == 503 && unknown.problem == "may-be-stored")
        }
        #expect(api.database.requestCount == 2)
    }

    @Test func withoutPostgreSQLTheAnswerSaysWhenToComeBack() async throws {
        let api = APIFixture()
        try await api.addReviews()
        api.database.failNext(.submit, with: Away())
        try await api.run { caller in
            let answer = try await caller.call(.post, "/v1/analyses", body)
            #expect(answer.status == 503)
            #expect(answer.headers[.retryAfter] == "1")
            let second = try await caller.call(.post, "/v1/analyses", body)
            #expect(second.status == 202)
        }
    }

    @Test(arguments: [nil, "", "the kez", "the key2"])
    func callersWithoutTheKeyAreRefused(_ key: String?) async throws {
        let api = APIFixture()
        try await api.run { caller in
            let answer = try await caller.call(.post, "/v1/analyses", body, key: key)
            #expect(answer.status == 401)
            #expect(answer.headers[.wwwAuthenticate] == "Bearer")
            let stream = try await caller.call(.get, "/v1/analyses/x/events", key: key)
            #expect(stream.status == 401)
        }
    }

    @Test func aWrongPathIsAProblem() async throws {
        let api = APIFixture()
        try await api.run { caller in
            let answer = try await caller.call(.get, "/v2/analyses")
            #expect(answer.problem == "no-such-path")
        }
    }
}
