import Foundation
import StoreKit
import Testing

@testable import Mongo

@Suite("Writes")
struct WriteTests {
    @Test func insertsManyAndFindsThemAgain() async throws {
        let cards = try await TestServer.shared.collection()
        var batch = BSONBatch()
        for ordinal in 0..<2000 {
            batch.append { writer in
                writer.append("_id", ordinal)
                writer.append("text", "card \(ordinal)")
            }
        }
        let result = try await cards.insertMany(batch)
        #expect(result.inserted == 2000)
        #expect(result.errors.isEmpty)
        let found = try await cards.find(["_id": ["$in": .array(Array(0..<1500))]], .init(sort: ["_id": 1]))
        let ids = try found.map { try $0.decode("_id", as: Int.self) }
        #expect(ids == Array(0..<1500))
        #expect(found[7]["text"] == "card 7")
    }

    @Test func tellsWhichDocumentsWereThereAlready() async throws {
        let cards = try await TestServer.shared.collection()
        try await cards.insertOne(["_id": 2])
        let batch = BSONBatch((0..<5).map { ["_id": .int($0)] })
        let result = try await cards.insertMany(batch)
        #expect(result.inserted == 4)
        #expect(result.errors.map(\.index) == [2])
        #expect(result.errors.filter(\.isDuplicateKey).count == 1)
        try result.throwUnlessDuplicates()
        #expect(throws: MongoError.self) { try result.throwIfAny() }
    }
}
