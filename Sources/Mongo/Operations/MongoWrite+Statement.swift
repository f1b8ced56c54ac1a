extension MongoWrite {
    var kind: WriteBatch.Kind {
        switch self {
        case .insert: .insert
        case .updateOne, .updateMany, .replaceOne: .update
        case .deleteOne, .deleteMany: .delete
        }
    }

    /// A write of many documents can't be told from its repetition by the server.
    var isNumbered: Bool {
        switch self {
        case .updateMany, .deleteMany: false
        case .insert, .updateOne, .replaceOne, .deleteOne: true
        }
    }

    /// As a write command carries it.
    var statement: BSONDocument {
        switch self {
        case .insert(let document):
            document
        case .updateOne(let filter, let update, let upsert):
            Self.update(filter, update, multi: false, upsert: upsert)
        case .updateMany(let filter, let update, let upsert):
            Self.update(filter, update, multi: true, upsert: upsert)
        case .replaceOne(let filter, let replacement, let upsert):
            Self.update(filter, .document(replacement), multi: false, upsert: upsert)
        case .deleteOne(let filter):
            Self.delete(filter, limit: 1)
        case .deleteMany(let filter):
            Self.delete(filter, limit: 0)
        }
    }

    static func update(
        _ filter: BSONDocument, _ update: MongoUpdate, multi: Bool, upsert: Bool, hint: BSONValue? = nil
    ) -> BSONDocument {
        BSONDocument { writer in
            writer.append("q", filter)
            update.append("u", to: &writer)
            writer.append("multi", multi)
            writer.append("upsert", upsert)
            writer.append("hint", ifPresent: hint)
        }
    }

    static func delete(_ filter: BSONDocument, limit: Int32, hint: BSONValue? = nil) -> BSONDocument {
        BSONDocument { writer in
            writer.append("q", filter)
            writer.append("limit", limit)
            writer.append("hint", ifPresent: hint)
        }
    }
}
