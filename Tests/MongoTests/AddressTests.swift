import ClientSupport
import Foundation
import Logging
import QuartetTesting
import Testing

@testable import Mongo
@testable import QuartetStack

/// Connection strings with more than one address, and other kinds of them.
@Suite("Addresses")
struct AddressTests {
    @Test func aSilentMemberKeepsNobodyFromTheOther() async throws {
        let server = try await TestServer.shared.server
        try await SilentListener.with { silent in
            let client = try client(
                "mongodb://127.0.0.1:\(silent),127.0.0.1:\(server.port)/quartet?replicaSet=rs0&serverSelectionTimeoutMS=20000"
            )
            for _ in 0..<3 { try await client.ping() }
            await client.close()
        }
        let refusing = try client("mongodb://127.0.0.1:1,127.0.0.1:\(server.port)/quartet?replicaSet=rs0")
        try await refusing.ping()
        await refusing.close()
    }

    @Test func whereNoneServesEachIsNamed() async throws {
        let client = try client("mongodb://ann:hidden@127.0.0.1:1,127.0.0.2:2/quartet?serverSelectionTimeoutMS=500")
        let error = await #expect(throws: MongoError.self) { try await client.ping() }
        let text = error.map { "\($0)" } ?? ""
        #expect(text.contains("127.0.0.1:1") && text.contains("127.0.0.2:2") && !text.contains("hidden"), "\(text)")
        await client.close()
    }

    @Test func aSocketAndIPv6AreTalkedTo() async throws {
        let folder = try TemporaryFolder.make()
        let server = MongoServer(
            directory: folder, options: .fast,
            arguments: ["--ipv6", "--bind_ip", "127.0.0.1,::1,\(folder.path)/m.sock"])
        try await server.start()
        let socket = "\(folder.path)/m.sock".addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        for place in ["[::1]:\(server.port)", socket] {
            let client = try client("mongodb://\(place)/quartet?directConnection=true")
            try await client.ping()
            await client.close()
        }
        await server.kill()
    }

    private func client(_ url: String) throws -> MongoClient {
        try MongoClient(MongoConfiguration(url: url), logger: Logger(label: "mongo.tests"))
    }
}
