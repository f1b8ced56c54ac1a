package import Mongo
import QuartetCore

/// What cards are stored in and read through: the collection of segments with its validator and index, and the view
/// `emotion_cards` with a document per card, for whoever reads with other means.
///
/// A find by `request_id` through the view uses the index. A find by the view's own `_id` reads everything, because the
/// view makes that anew of each card.
package struct CardCollections: Sendable {
    package static let viewName = "emotion_cards"

    let client: MongoClient

    package init(client: MongoClient) {
        self.client = client
    }

    /// Makes what is not there, and brings forward what is; cards that lie one by one under the view's name are converted.
    ///
    /// - Parameter report: is told while cards are converted: how many more were, of how many in all.
    package func prepare(report: @Sendable (_ converted: Int, _ of: Int) -> Void = { _, _ in }) async throws {
        let single = SingleCards(client: client)
        try await single.moveAside()
        try await make(Self.segments, ["validator": .document(Self.validator)])
        try await client.collection(Self.segments, writeConcern: .majority)
            .createIndexes([MongoIndex(["request_id": 1])])
        try await make(Self.viewName, ["viewOn": .string(Self.segments), "pipeline": .array(Self.view)])
        try await single.convert(report: report)
    }

    private static let segments = MongoCardStore.collectionName

    private func make(_ name: String, _ options: BSONDocument) async throws {
        do {
            _ = try await client.runCommand(
                BSONDocument([("create", .string(name))] + options.map { ($0.key, $0.value) }))
        } catch let error as MongoError where error.serverCode == Self.namespaceExists {
            // What may be left as it is needs no right to change it: `readWrite` is enough then.
            guard try await present(name) != options else { return }
            _ = try await client.runCommand(
                BSONDocument([("collMod", .string(name))] + options.map { ($0.key, $0.value) }))
        }
    }

    private func present(_ name: String) async throws -> BSONDocument? {
        let reply = try await client.runCommand(["listCollections": 1, "filter": ["name": .string(name)]])
        let cursor: BSONDocument = try reply.decode("cursor")
        return try cursor.decode("firstBatch", as: [BSONDocument].self).first?.decode("options")
    }

    private static let namespaceExists = 48

    /// A document per card as they were one by one. It unwinds before it projects, and keeps `request_id` as it is: only so
    /// does the server look for a request's segments by their index.
    private static let view: [BSONDocument] = [
        ["$unwind": ["path": "$cards", "includeArrayIndex": "place"]],
        [
            "$project": [
                "_id": [
                    "request_id": "$_id.request_id", "ordinal": ["$toInt": ["$add": ["$_id.first", "$place"]]],
                ],
                "request_id": 1, "review_id": "$cards.review_id", "emotion": "$cards.emotion",
                "scores": "$cards.scores", "polarity": "$cards.polarity", "keywords": "$cards.keywords",
                "excerpt": "$cards.excerpt", "aspects": "$cards.aspects", "month": "$cards.month", "created_at": 1,
            ]
        ],
    ]

    private static let validator: BSONDocument = [
        "$jsonSchema": [
            "bsonType": "object",
            "required": ["_id", "request_id", "cards", "created_at"],
            "properties": [
                "_id": [
                    "bsonType": "object", "required": ["request_id", "first"],
                    "properties": [
                        "request_id": ["bsonType": "binData"], "first": ["bsonType": ["int", "long"], "minimum": 0],
                    ],
                ],
                "request_id": ["bsonType": "binData"],
                "cards": [
                    "bsonType": "array", "minItems": 1,
                    "items": [
                        "bsonType": "object",
                        "required": ["review_id", "emotion", "scores", "polarity", "keywords", "excerpt"],
                        "properties": [
                            "review_id": ["bsonType": "string"], "emotion": ["bsonType": "string"],
                            "scores": ["bsonType": "object"], "polarity": ["bsonType": "double"],
                            "keywords": ["bsonType": "array"], "excerpt": ["bsonType": "string"],
                        ],
                    ],
                ],
                "created_at": ["bsonType": "date"],
            ],
        ],
        "$expr": ["$eq": ["$request_id", "$_id.request_id"]],
    ]
}
