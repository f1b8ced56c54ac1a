import Foundation
import HTTPTypes
import QuartetAPI
import Testing

/// What is described is what is there.
@Suite struct OpenAPITests {
    @Test func everyCallIsDescribedAndNoOther() async throws {
        let api = APIFixture()
        try await api.run { caller in
            let answer = try await caller.call(.get, "/openapi.json", key: nil)
            #expect(answer.status == 200)
            #expect(answer.json["openapi"] as? String == "3.1.0")
            let paths = try #require(answer.json["paths"] as? [String: [String: Any]])
            let described = paths.flatMap { path, calls in calls.keys.map { "\($0.uppercased()) \(path)" } }
            // A HEAD is a GET without its body.
            #expect(Set(described) == api.server.routes.filter { !$0.hasPrefix("HEAD ") })
            let head = try await caller.call(.head, "/healthz", key: nil)
            #expect(head.status == 200 && head.text.isEmpty)
        }
    }

    @Test func whatItRefersToIsThere() async throws {
        let api = APIFixture()
        try await api.run { caller in
            let answer = try await caller.call(.get, "/openapi.json", key: nil)
            let references = answer.text.matches(of: /"\$ref": "#\/components\/(\w+)\/(\w+)"/)
            let components = try #require(answer.json["components"] as? [String: [String: Any]])
            #expect(references.count > 50)
            for reference in references {
                #expect(components[String(reference.1)]?[String(reference.2)] != nil, "\(reference.0)")
            }
        }
    }
}
