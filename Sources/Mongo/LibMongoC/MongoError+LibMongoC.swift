import CLibMongoC

extension MongoError {
    /// What libmongoc says of a failed call, and the server's reply where there was one.
    init(_ error: bson_error_t, reply: BSONDocument = BSONDocument(), operation: String) {
        let serverCode = reply["code"]?.asInt
        let code = Self.code(domain: error.domain, libraryCode: error.code, serverCode: serverCode)
        self.init(
            code, reply["errmsg"]?.asString ?? error.text, operation: operation, domain: error.domain,
            serverCode: serverCode, codeName: reply["codeName"]?.asString,
            labels: reply["errorLabels"]?.asArray?.compactMap(\.asString) ?? [],
            mayHaveHappened: Self.mayHaveHappened(code, libraryCode: error.code, serverCode: serverCode))
    }

    /// The one table from libmongoc's (domain, code) to this module's codes.
    private static func code(domain: UInt32, libraryCode: UInt32, serverCode: Int?) -> Code {
        if let serverCode {
            if MongoServerCode.authentication.contains(serverCode) { return .authentication }
            if MongoServerCode.changeStreamLost.contains(serverCode) { return .changeStreamLost }
            return serverCode == MongoServerCode.maxTimeExpired ? .deadlineExceeded : .server
        }
        return switch mongoc_error_domain_t(domain) {
        case MONGOC_ERROR_SERVER_SELECTION: .serverSelection
        case MONGOC_ERROR_STREAM: .connectionLost
        case MONGOC_ERROR_SASL, MONGOC_ERROR_SCRAM: .authentication
        case MONGOC_ERROR_CLIENT where libraryCode == MONGOC_ERROR_CLIENT_AUTHENTICATE.rawValue: .authentication
        case MONGOC_ERROR_WRITE_CONCERN: .writeConcern
        case MONGOC_ERROR_SERVER, MONGOC_ERROR_QUERY: .server
        // The server was marked as gone between its choice and the sending.
        case MONGOC_ERROR_COMMAND where libraryCode == MONGOC_ERROR_COMMAND_INVALID_ARG.rawValue: .serverSelection
        default: .protocolViolation
        }
    }

    /// A call that was sent and not answered, or answered by a server that was just going away.
    private static func mayHaveHappened(_ code: Code, libraryCode: UInt32, serverCode: Int?) -> Bool {
        switch code {
        case .connectionLost:
            libraryCode != MONGOC_ERROR_STREAM_CONNECT.rawValue
                && libraryCode != MONGOC_ERROR_STREAM_NAME_RESOLUTION.rawValue
                && libraryCode != MONGOC_ERROR_STREAM_NOT_ESTABLISHED.rawValue
        case .deadlineExceeded, .writeConcern, .protocolViolation: true
        case .server: serverCode.map(MongoServerCode.broken.contains) ?? false
        default: false
        }
    }
}

extension MongoError {
    /// A server was chosen and was gone before the command could be put together for it.
    var isStaleChoice: Bool { domain == MONGOC_ERROR_COMMAND.rawValue }
}
