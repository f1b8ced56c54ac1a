import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing

@testable import QuartetAPI

/// What each call says of methods, and of what callers would rather have.
@Suite struct MethodTests {
    private static let methods: Set = ["get", "put", "post", "patch", "delete"]

    /// The paths that are described, with their methods.
    private static func paths(_ client: any TestClientProtocol) async throws -> [String: Set<String>] {
        let text = try await client.executeRequest(uri: "/openapi.json", method: .get, headers: [:], body: nil).body
        let document = try JSONSerialization.jsonObject(with: Data(text.readableBytesView)) as? [String: Any]
        let paths = try #require(document?["paths"] as? [String: [String: Any]])
        return paths.mapValues { path in Set(path.keys).intersection(methods) }
    }

    @Test func eachPathTellsItsMethodsToWhoeverComesByAnother() async throws {
        try await APIFixture().server.testable.test(.router) { client in
            let paths = try await Self.paths(client)
            #expect(paths.count > 10)
            for (path, methods) in paths {
                let uri = path.replacing(/\{[^}]*\}/, with: "11111111-2222-7333-8444-555555555555")
                let allowed = methods.union(methods.contains("get") ? ["head"] : [])
                for method in ["OPTIONS", "TRACE", "BREW"] {
                    let response = try await client.executeRequest(
                        uri: uri, method: try #require(HTTPRequest.Method(method)),
                        headers: [.authorization: "Bearer \(APIFixture.key)"], body: nil)
                    #expect(response.status == .methodNotAllowed, "\(method) \(path): \(response.status)")
                    let told = (response.headers[.allow] ?? "").lowercased().split(separator: ",").map {
                        $0.trimmingCharacters(in: .whitespaces)
                    }
                    #expect(Set(told) == allowed, "\(method) \(path)")
                }
            }
        }
    }

    @Test func whatCanBeGotCanBeAskedForItsHeadAlone() async throws {
        let api = APIFixture()
        try await api.addReviews(1)
        try await api.server.testable.test(.router) { client in
            for (path, methods) in try await Self.paths(client) where methods.contains("get") {
                // A stream has no end.
                guard !path.hasSuffix("/events") else { continue }
                let uri = path.replacing(/\{[^}]*\}/, with: "p-1")
                let headers: HTTPFields = [.authorization: "Bearer \(APIFixture.key)"]
                let got = try await client.executeRequest(uri: uri, method: .get, headers: headers, body: nil)
                let head = try await client.executeRequest(uri: uri, method: .head, headers: headers, body: nil)
                #expect(head.status == got.status, "\(path)")
                #expect(head.headers[.contentType] == got.headers[.contentType], "\(path)")
                #expect(head.body.readableBytes == 0, "\(path)")
            }
        }
    }

    /// What a call can give is one thing, which whoever would rather have another may still use.
    @Test(arguments: ["text/html", "image/*;q=0.5", "application/json;q=0", "nonsense", ""])
    func whatIsWantedInsteadIsNotAsked(_ accepted: String) async throws {
        let api = APIFixture()
        try await api.addReviews(1)
        try await api.server.testable.test(.router) { client in
            let headers: HTTPFields = [.authorization: "Bearer \(APIFixture.key)", .accept: accepted]
            for path in ["/v1/products/p-1", "/v1/products", "/v1/nothing"] {
                let response = try await client.executeRequest(uri: path, method: .get, headers: headers, body: nil)
                #expect(response.status.code == (path == "/v1/nothing" ? 404 : 200))
                #expect(response.headers[.contentType]?.contains("json") == true, "\(path)")
            }
        }
    }

    @Test func aBodyOfAnotherKindIsRefusedByItsKind() async throws {
        let api = APIFixture()
        try await api.addReviews(1)
        try await api.server.testable.test(.router) { client in
            for type in ["text/plain", "application/xml", "multipart/form-data; boundary=a"] {
                let response = try await client.executeRequest(
                    uri: "/v1/products/p-1/reviews", method: .post,
                    headers: [.authorization: "Bearer \(APIFixture.key)", .contentType: type],
                    body: ByteBuffer(string: "x"))
                #expect(response.status == .unsupportedMediaType, "\(type): \(response.status)")
            }
        }
    }
}
