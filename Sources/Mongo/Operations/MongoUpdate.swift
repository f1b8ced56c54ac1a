/// What an update does: operators (`["$set": [...]]`), or a pipeline, which can use `$$NOW` and the document's own fields.
package enum MongoUpdate: Sendable, Hashable, ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral {
    case document(BSONDocument)
    case pipeline([BSONDocument])

    package init(dictionaryLiteral elements: (String, BSONValue)...) {
        self = .document(BSONDocument(elements))
    }

    package init(arrayLiteral elements: BSONDocument...) {
        self = .pipeline(elements)
    }

    func append(_ key: StaticString, to writer: inout BSONWriter) {
        switch self {
        case .document(let document): writer.append(key, document)
        case .pipeline(let stages): writer.append(key, stages)
        }
    }
}

/// One write of a bulk write.
package enum MongoWrite: Sendable, Hashable {
    case insert(BSONDocument)
    case updateOne(filter: BSONDocument, update: MongoUpdate, upsert: Bool = false)
    case updateMany(filter: BSONDocument, update: MongoUpdate, upsert: Bool = false)
    case replaceOne(filter: BSONDocument, replacement: BSONDocument, upsert: Bool = false)
    case deleteOne(filter: BSONDocument)
    case deleteMany(filter: BSONDocument)
}
