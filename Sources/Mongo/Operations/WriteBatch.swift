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
    private var statements: BSONArrayWriter
    private let mark: Int

    init(_ kind: Kind, reservingBytes: Int = 0) {
        self.kind = kind
        var writer = BSONWriter(reservingBytes: reservingBytes)
        mark = writer.open()
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

    /// The command on `collection`; the statements go with it.
    consuming func request(on collection: MongoCollection, ordered: Bool) -> MongoRequest {
        let (command, key): (StaticString, StaticString) =
            switch kind {
            case .insert: ("insert", "documents")
            case .update: ("update", "updates")
            case .delete: ("delete", "deletes")
            }
        let isNumbered = isNumbered
        var writer = statements.writer
        writer.close(mark)
        let array = BSONArray(BSONDocument(trusted: writer.bytes))
        return collection.writeRequest(command, isNumbered: isNumbered) { writer in
            writer.append("ordered", ordered)
            writer.append(key, array)
        }
    }
}

extension MongoBulkResult {
    /// Adds what a write command's reply says of the writes at `indexes`.
    mutating func add(_ reply: BSONDocument, kind: WriteBatch.Kind, indexes: [Int]) throws(MongoError) {
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
