import CLibMongoC
import Dispatch
import Synchronization

/// One libmongoc client and a session of its own. Every call blocks; only one runs at a time.
struct ClientHandle: ~Copyable {
    private enum Owner {
        case pool(ClientPool)
        case nobody
    }

    private let owner: Owner
    private let client: OpaquePointer
    private var session: OpaquePointer?
    /// Writes carry a number by which the server knows a repeated one: on replica sets and sharded clusters.
    private let numbersWrites: Bool

    /// A client of the pool, connected.
    ///
    /// - Throws: `.exhausted`, or why no server could be reached.
    init(from pool: ClientPool) throws(MongoError) {
        guard let client = pool.take() else {
            throw MongoError(.exhausted, "as many connections are open as the configuration allows")
        }
        var error = bson_error_t()
        guard let server = mongoc_client_select_server(client, true, nil, &error) else {
            pool.giveBack(client)
            throw MongoError(error, operation: "connect")
        }
        numbersWrites = pool.retriesWrites && String(cString: mongoc_server_description_type(server)) != "Standalone"
        mongoc_server_description_destroy(server)
        owner = .pool(pool)
        self.client = client
        session = nil
    }

    /// A client of its own, which looks for servers only when it is used.
    init(alone string: borrowing ConnectionString) throws(MongoError) {
        var error = bson_error_t()
        guard let client = string.withPointer({ mongoc_client_new_from_uri_with_error($0, &error) }) else {
            throw MongoError(.configuration, error.text, domain: error.domain)
        }
        mongoc_client_set_error_api(client, MONGOC_ERROR_API_VERSION_2)
        owner = .nobody
        self.client = client
        session = nil
        numbersWrites = false
    }

    deinit {
        if let session { mongoc_client_session_destroy(session) }
        switch owner {
        case .pool(let pool): pool.giveBack(client)
        case .nobody:
            // It takes leave of the server, which may not answer.
            nonisolated(unsafe) let client = client
            DispatchQueue(label: "mongo.client.end").async { mongoc_client_destroy(client) }
        }
    }

    /// The id under which the server knows what this handle does, once it has a session. A server that is no member of a
    /// replica set yet has no sessions.
    mutating func sessionID() -> BSONDocument? {
        if session == nil { session = Self.startSession(client) }
        guard let session, let id = mongoc_client_session_get_lsid(session) else { return nil }
        return BSONDocument(copying: id)
    }

    /// A number for one write and its repetitions; nil where the server takes none. They only grow, also from one handle
    /// to the next, since the server side of a session outlives its handle.
    func makeWriteNumber() -> Int64? {
        guard numbersWrites, session != nil else { return nil }
        return Self.writeNumber.wrappingAdd(1, ordering: .relaxed).newValue
    }

    /// Sends a command and returns its reply, which may tell of errors in single writes.
    mutating func run(
        _ command: BSONDocument, database: String, operation: String, maxTimeMilliseconds: Int64, writeNumber: Int64?
    ) -> Result<BSONDocument, MongoError> {
        var error = bson_error_t()
        var bytes: UnsafeMutablePointer<UInt8>?
        var length: UInt32 = 0
        let isOK = command.withUnsafeBytes { command in
            quartet_mongoc_command(
                client, session, database, command.baseAddress?.assumingMemoryBound(to: UInt8.self), command.count,
                maxTimeMilliseconds, writeNumber ?? 0, &bytes, &length, &error)
        }
        defer { bson_free(bytes) }
        let reply = BSONDocument(copying: UnsafeRawBufferPointer(start: bytes, count: Int(length)))
        // A write concern that was not met makes libmongoc say no to a reply that says ok.
        if isOK || reply["ok"]?.asDouble == 1 { return .success(reply) }
        return .failure(MongoError(error, reply: reply, operation: operation))
    }

    private static let writeNumber = Atomic<Int64>(0)

    private static func startSession(_ client: OpaquePointer) -> OpaquePointer? {
        let options = mongoc_session_opts_new()
        defer { mongoc_session_opts_destroy(options) }
        mongoc_session_opts_set_causal_consistency(options, false)
        return mongoc_client_start_session(client, options, nil)
    }
}

extension BSONDocument {
    /// Bytes of libbson's, which are a document.
    init(copying bytes: UnsafeRawBufferPointer) {
        self = bytes.count >= 5 ? BSONDocument(trusted: [UInt8](bytes)) : BSONDocument()
    }

    init(copying document: OpaquePointer) {
        self.init(copying: UnsafeRawBufferPointer(start: bson_get_data(document), count: Int(document.bsonLength)))
    }
}

extension OpaquePointer {
    /// The length prefix of a `bson_t`'s bytes.
    fileprivate var bsonLength: Int32 {
        guard let data = bson_get_data(self) else { return 0 }
        return Int32(littleEndian: UnsafeRawPointer(data).loadUnaligned(as: Int32.self))
    }
}
