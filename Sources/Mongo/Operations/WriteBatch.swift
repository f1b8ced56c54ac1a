import ClientSupport

/// One write command's share of a bulk: writes of one kind, as many as a command takes.
struct WriteBatch {
    enum Kind: Hashable {
        case insert
        case update
        case delete
    }

    /// What a server takes in one command. A document alone may be as large as it likes: the server judges it.
    static let bytesMax = 16 * 1024 * 1024
    static let countMax = 100_000

    let kind: Kind
    /// The writes' indexes in the bulk.
    private(set) var indexes: [Int] = []
    /// A single document each: such a command can be numbered.
    private(set) var isNumbered = true
    private let collection: MongoCollection
    /// The command so far: the statements come last, so that they are copied once.
    private var statements: BSONArrayWriter
    private let arrayMark: Int

    init(_ kind: Kind, on collection: MongoCollection, ordered: Bool, reservingBytes: Int = 0) {
        self.kind = kind
        self.collection = collection
        var writer = BSONWriter(reservingBytes: reservingBytes + 512)
        _ = writer.open()
        writer.append(kind.command, collection.name)
        writer.append("ordered", ordered)
        writer.append("writeConcern", collection.writeConcern.document)
        writer.appendHeader(.array, kind.key)
        arrayMark = writer.open()
        statements = BSONArrayWriter(writer)
    }

    /// Whether a statement of that many bytes still fits.
    func takes(_ bytes: Int) -> Bool {
        let keyBytesMax = 8
        return indexes.isEmpty
            || (indexes.count < Self.countMax && statements.writer.bytes.count + bytes + keyBytesMax <= Self.bytesMax)
    }

    mutating func append(_ statement: UnsafeRawBufferPointer, index: Int, isNumbered: Bool = true) {
        statements.append(bytes: statement)
        indexes.append(index)
        self.isNumbered = self.isNumbered && isNumbered
    }

    consuming func request() -> MongoRequest {
        let (collection, kind, isNumbered, arrayMark) = (collection, kind, isNumbered, arrayMark)
        var writer = statements.writer
        writer.close(arrayMark)
        writer.close(0)
        return MongoRequest(
            command: BSONDocument(trusted: writer.bytes.take()), database: collection.database,
            operation: collection.operation(kind.command), repetition: isNumbered ? .numberedWrite : .never,
            isWrite: true)
    }
}

extension WriteBatch.Kind {
    fileprivate var command: StaticString {
        switch self {
        case .insert: "insert"
        case .update: "update"
        case .delete: "delete"
        }
    }

    /// Of the statements in the command.
    fileprivate var key: StaticString {
        switch self {
        case .insert: "documents"
        case .update: "updates"
        case .delete: "deletes"
        }
    }
}

extension MongoBulkResult {
    /// Adds what a write command's reply says of the writes at `indexes`.
    mutating func add(_ reply: BSONDocument, kind: WriteBatch.Kind, indexes: [Int]) throws(MongoError) {
        addElection(of: reply)
        let count = reply["n"]?.asInt ?? 0
        var upsertedHere: [MongoUpserted] = []
        for case .document(let item) in reply["upserted"]?.asArray ?? [] {
            guard let index = item["index"]?.asInt, indexes.indices.contains(index), let id = item["_id"] else {
                throw MongoError(.protocolViolation, "an upsert of no write in the command", mayHaveHappened: true)
            }
            upsertedHere.append(MongoUpserted(index: indexes[index], id: id))
        }
        switch kind {
        case .insert: inserted += count
        case .delete: deleted += count
        case .update:
            matched += count - upsertedHere.count
            modified += reply["nModified"]?.asInt ?? 0
        }
        upserted += upsertedHere
        for case .document(let item) in reply["writeErrors"]?.asArray ?? [] {
            guard let index = item["index"]?.asInt, indexes.indices.contains(index) else {
                throw MongoError(.protocolViolation, "an error of no write in the command", mayHaveHappened: true)
            }
            errors.append(
                MongoWriteError(
                    index: indexes[index], code: item["code"]?.asInt ?? 0, message: item["errmsg"]?.asString ?? ""))
        }
    }
}
