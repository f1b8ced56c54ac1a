package import Foundation

/// What an event of one type carries, as a JSON object. Fields that are not known are let be.
package protocol EventPayload: Sendable, Hashable, Codable {
    /// The names of its fields, for errors.
    static var fields: String { get }

    /// Reads what our own SQL writes, at a tenth of what a decoder of any JSON costs; nil where that does not do.
    init?(flat: FlatJSON)

    /// Whether its fields may have these values.
    var isPossible: Bool { get }
}

extension EventPayload {
    package init?(flat: FlatJSON) { nil }
    package var isPossible: Bool { true }

    /// - Throws: `EventDecodingError` that names the fields, without the data.
    package init(json: [UInt8]) throws(EventDecodingError) {
        if let flat = FlatJSON(json), let payload = Self(flat: flat) {
            self = payload
        } else if let payload = try? JSONDecoder().decode(Self.self, from: Data(json)) {
            self = payload
        } else {
            throw EventDecodingError(reason: "the data is not JSON with \(Self.fields)")
        }
        guard isPossible else { throw EventDecodingError(reason: "\(Self.fields) can't have these values") }
    }

    package var json: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(self)).map(Array.init) ?? []
    }
}

extension DomainEvent {
    /// - Throws: `EventDecodingError` if the payload is not one.
    package func payload<Payload: EventPayload>(
        as type: Payload.Type = Payload.self
    ) throws(EventDecodingError) -> Payload {
        try Payload(json: payload)
    }
}

/// Of an analysis that is not completed.
package struct AnalysisPayload: EventPayload {
    package static let fields = "product_id and generation"

    package let productID: ProductID
    package let generation: Int

    package init(productID: ProductID, generation: Int) {
        self.productID = productID
        self.generation = generation
    }

    package init?(flat: FlatJSON) {
        guard let id = flat.text("product_id").flatMap(ProductID.init), let generation = flat.integer("generation")
        else { return nil }
        self.init(productID: id, generation: Int(generation))
    }

    package var isPossible: Bool { generation > 0 }

    enum CodingKeys: String, CodingKey {
        case productID = "product_id"
        case generation
    }
}

/// Of a completed analysis.
package struct CompletionPayload: EventPayload {
    package static let fields = "product_id, generation and result_version"

    package let productID: ProductID
    package let generation: Int
    /// The version of the result, which caches of the product's latest one go by.
    package let resultVersion: Int64

    package init(productID: ProductID, generation: Int, resultVersion: Int64) {
        self.productID = productID
        self.generation = generation
        self.resultVersion = resultVersion
    }

    package init?(flat: FlatJSON) {
        guard let id = flat.text("product_id").flatMap(ProductID.init), let generation = flat.integer("generation"),
            let version = flat.integer("result_version")
        else { return nil }
        self.init(productID: id, generation: Int(generation), resultVersion: version)
    }

    package var isPossible: Bool { generation > 0 && resultVersion > 0 }

    enum CodingKeys: String, CodingKey {
        case productID = "product_id"
        case generation
        case resultVersion = "result_version"
    }
}

/// Of a product; its id is the aggregate's.
package struct ProductPayload: EventPayload {
    package static let fields = "name"

    package let name: String

    package init(name: String) {
        self.name = name
    }
}

/// Of what the checker found.
package struct FindingPayload: EventPayload {
    package static let fields = "sweep_id, invariant, kind, key and detail"

    package let sweepID: UUID
    package let invariant: String
    package let kind: String
    package let key: String
    package let detail: String

    enum CodingKeys: String, CodingKey {
        case sweepID = "sweep_id"
        case invariant, kind, key, detail
    }
}

/// Of a user that is there; its id is the aggregate's.
package struct UserPayload: EventPayload {
    package static let fields = "nickname, name, email and profile_image"

    package let nickname: String
    package let name: String
    package let email: String
    package let profileImage: String?

    package init(nickname: String, name: String, email: String, profileImage: String? = nil) {
        self.nickname = nickname
        self.name = name
        self.email = email
        self.profileImage = profileImage
    }

    enum CodingKeys: String, CodingKey {
        case nickname, name, email
        case profileImage = "profile_image"
    }
}

/// Of what is gone.
package struct DeletionPayload: EventPayload {
    package static let fields = "nothing"

    package init() {}
}
