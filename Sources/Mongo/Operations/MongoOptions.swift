package struct MongoFindOptions: Sendable, Hashable {
    package var sort: BSONDocument?
    package var projection: BSONDocument?
    /// At least 1.
    package var limit: Int?
    package var skip: Int?
    /// An index by its name, or by its keys.
    package var hint: BSONValue?
    /// How many documents come at once; nil: the server decides, up to 16 MB.
    package var batchSize: Int?

    package init(
        sort: BSONDocument? = nil, projection: BSONDocument? = nil, limit: Int? = nil, skip: Int? = nil,
        hint: BSONValue? = nil, batchSize: Int? = nil
    ) {
        self.sort = sort
        self.projection = projection
        self.limit = limit
        self.skip = skip
        self.hint = hint
        self.batchSize = batchSize
    }
}

package struct MongoAggregateOptions: Sendable, Hashable {
    package var hint: BSONValue?
    package var batchSize: Int?
    package var allowDiskUse: Bool

    package init(hint: BSONValue? = nil, batchSize: Int? = nil, allowDiskUse: Bool = false) {
        self.hint = hint
        self.batchSize = batchSize
        self.allowDiskUse = allowDiskUse
    }
}

package struct MongoFindAndModifyOptions: Sendable, Hashable {
    /// The document after the update instead of before.
    package var returnsNew: Bool
    package var upsert: Bool
    package var sort: BSONDocument?
    package var projection: BSONDocument?
    package var hint: BSONValue?

    package init(
        returnsNew: Bool = false, upsert: Bool = false, sort: BSONDocument? = nil, projection: BSONDocument? = nil,
        hint: BSONValue? = nil
    ) {
        self.returnsNew = returnsNew
        self.upsert = upsert
        self.sort = sort
        self.projection = projection
        self.hint = hint
    }
}

package struct MongoIndex: Sendable, Hashable {
    package let keys: BSONDocument
    package let name: String
    package let isUnique: Bool
    /// Documents go that long after the date in the index's one field.
    package let expireAfter: Duration?
    package let partialFilter: BSONDocument?

    /// - Parameters:
    ///   - keys: fields in order, 1 ascending, -1 descending, or a kind such as "hashed".
    ///   - name: made of the keys unless given, as the server's shell makes it.
    package init(
        _ keys: BSONDocument, name: String? = nil, isUnique: Bool = false, expireAfter: Duration? = nil,
        partialFilter: BSONDocument? = nil
    ) {
        self.keys = keys
        self.name =
            name
            ?? keys.map { "\($0.key)_\($0.value.asString ?? $0.value.asInt.map { "\($0)" } ?? "1")" }
            .joined(separator: "_")
        self.isUnique = isUnique
        self.expireAfter = expireAfter
        self.partialFilter = partialFilter
    }

    var document: BSONDocument {
        BSONDocument { writer in
            writer.append("key", keys)
            writer.append("name", name)
            if isUnique { writer.append("unique", true) }
            if let expireAfter { writer.append("expireAfterSeconds", expireAfter.components.seconds) }
            writer.append("partialFilterExpression", ifPresent: partialFilter)
        }
    }
}
