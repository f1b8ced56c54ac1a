import Mongo
import QuartetCore

/// Cards as they were stored before there were segments: a document each, `{_id: {request_id, ordinal}, ...}`, under the name
/// that the view has now.
///
/// Their conversion may be interrupted anywhere and goes on with what is left: documents go away behind the segments that
/// hold their cards, and a segment that is there already stays as it is. No worker may run meanwhile.
struct SingleCards {
    /// Where they wait to be converted.
    static let asideName = "emotion_cards_single"
    /// Where those stay that can't be read.
    static let unreadableName = "emotion_cards_unreadable"
    private static let cardsPerRead = 4000

    let client: MongoClient

    func moveAside() async throws {
        let reply = try await client.runCommand([
            "listCollections": 1, "filter": ["name": .string(CardCollections.viewName), "type": "collection"],
        ])
        let cursor: BSONDocument = try reply.decode("cursor")
        guard try !cursor.decode("firstBatch", as: [BSONDocument].self).isEmpty else { return }
        let database = client.collection(Self.asideName).database
        _ = try await client.runCommand(
            [
                "renameCollection": .string("\(database).\(CardCollections.viewName)"),
                "to": .string("\(database).\(Self.asideName)"),
            ], database: "admin")
    }

    func convert(report: (_ converted: Int, _ of: Int) -> Void) async throws {
        let single = client.collection(Self.asideName, writeConcern: .majority, readConcern: .majority)
        let total = try await single.estimatedCount()
        let options = MongoFindOptions(sort: ["_id": 1], limit: Self.cardsPerRead)
        while case let documents = try await single.find([:], options), !documents.isEmpty {
            try await keep(documents)
            _ = try await single.deleteMany(["_id": ["$in": .array(documents.compactMap { $0["_id"] })]])
            report(documents.count, total)
        }
        try await single.drop()
    }

    private func keep(_ documents: [BSONDocument]) async throws {
        var cards: [EmotionCard] = []
        var unreadable = BSONBatch()
        for document in documents {
            if let card = try? Self.card(document) { cards.append(card) } else { unreadable.append(document) }
        }
        _ = try await MongoCardStore(client: client).insert(CardSegment.runs(of: cards))
        guard unreadable.count > 0 else { return }
        try await client.collection(Self.unreadableName, writeConcern: .majority).insertMany(unreadable)
            .throwUnlessDuplicates()
    }

    private static func card(_ document: BSONDocument) throws -> EmotionCard {
        let key: BSONDocument = try document.decode("_id")
        let ordinal: Int = try key.decode("ordinal")
        guard (0...Int(Int32.max)).contains(ordinal) else { throw BSONError(.missingKey, key: "_id.ordinal") }
        return try StoredCard.read(BSONReader(document), RequestID(try key.decode("request_id")), ordinal: ordinal)
    }
}
