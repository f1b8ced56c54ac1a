import Foundation
import HTTPTypes
import QuartetCore
import QuartetTesting
import Testing

@Suite struct KeywordTests {
    @Test func theKeywordsOfACompletedAnalysisAreServed() async throws {
        let api = APIFixture()
        try await api.addReviews(2)
        let id = RequestID.make()
        _ = try await api.requests.submit([Submission(id: id, productID: api.product)])
        let session = AnalysisSession(
            requestID: id, productID: api.product, manifest: ["r-0", "r-1"],
            analyzer: AnalyzerIdentity(name: "test", version: "1"))
        let fold = Fold(session: session).adding((0..<2).map { APIFixture.card(id, $0) })
        _ = try await api.keywords.insert([fold.keywordDetails()])
        try await api.run { caller in
            // Until it is completed, what is stored may be of cards that do not stay.
            let early = try await caller.call(.get, "/v1/analyses/\(id)/keywords")
            #expect((early.status, early.text) == (200, #"{"keywords":[],"aspects":[]}"#))
        }
        _ = try await api.requests.finalise([Finalisation(result: fold.result())])
        try await api.run { caller in
            let answer = try await caller.call(.get, "/v1/analyses/\(id)/keywords")
            #expect(answer.status == 200)
            let keyword = try #require((answer.json["keywords"] as? [[String: Any]])?.first)
            #expect(keyword["term"] as? String == "k")
            #expect(keyword["count"] as? Int == 2)
            #expect(keyword["positive"] as? Int == 2)
            #expect(keyword["best"] as? [Int] == [0, 1])
            let unknown = try await caller.call(.get, "/v1/analyses/\(RequestID.make())/keywords")
            #expect((unknown.status, unknown.problem) == (404, "unknown-analysis"))
        }
    }
}
