import ClientSupport

/// Why an operation failed. `description` is one line and safe to log: no credentials, no row data.
package struct MongoError: StoreFailure {
    package enum Code: Sendable, Hashable {
        case configuration
        /// No server that could take the operation was found in time.
        case serverSelection
        case connectionLost
        case authentication
        case deadlineExceeded
        case cancelled
        case closed
        /// As many change streams are open, or callers wait for a connection, as the configuration allows.
        case exhausted
        /// The server refused; `serverCode` says why.
        case server
        /// The write is on one server, and was not confirmed by as many as were asked for.
        case writeConcern
        case protocolViolation
        /// The server no longer has what a change stream's resume token points at.
        case changeStreamLost
    }

    package let code: Code
    /// libmongoc's error domain; 0 where the error is this module's own.
    package let domain: UInt32
    /// The server's error code, such as 11000.
    package let serverCode: Int?
    /// Its name, such as "DuplicateKey".
    package let codeName: String?
    /// As the server or libmongoc put it; may quote row data, which `description` leaves out.
    package let message: String
    package let labels: [String]
    /// What failed, such as "insert quartet.emotion_cards".
    package let operation: String
    package let mayHaveHappened: Bool
    package let isRetriable: Bool
    package let isUnavailable: Bool

    package init(
        _ code: Code, _ message: String, operation: String = "", domain: UInt32 = 0, serverCode: Int? = nil,
        codeName: String? = nil, labels: [String] = [], mayHaveHappened: Bool = false
    ) {
        self.code = code
        self.message = message
        self.operation = operation
        self.domain = domain
        self.serverCode = serverCode
        self.codeName = codeName
        self.labels = labels
        let traits = MongoErrorTraits(code, serverCode: serverCode, labels: labels)
        self.mayHaveHappened = mayHaveHappened
        isRetriable = traits.isRetriable
        isUnavailable = traits.isUnavailable
    }

    /// A copy that says whether its operation may have taken effect.
    func with(mayHaveHappened: Bool) -> MongoError {
        MongoError(
            code, message, operation: operation, domain: domain, serverCode: serverCode, codeName: codeName,
            labels: labels, mayHaveHappened: mayHaveHappened)
    }

    /// Why an operation of several commands ended after the first of them had changed something.
    init(ofPartDone operation: String, _ error: any Error) {
        self =
            switch error {
            case let error as MongoError: error.with(mayHaveHappened: true)
            case is DeadlineExceeded:
                MongoError(.deadlineExceeded, "\(error)", operation: operation, mayHaveHappened: true)
            case PoolError.closed: MongoError(.closed, "\(error)", operation: operation, mayHaveHappened: true)
            case is PoolError: MongoError(.exhausted, "\(error)", operation: operation, mayHaveHappened: true)
            case is CancellationError:
                MongoError(.cancelled, "cancelled", operation: operation, mayHaveHappened: true)
            default: MongoError(.protocolViolation, "\(error)", operation: operation, mayHaveHappened: true)
            }
    }

    package var isDuplicateKey: Bool { serverCode.map(MongoServerCode.isDuplicateKey) ?? false }
    package var isNamespaceNotFound: Bool { serverCode == MongoServerCode.namespaceNotFound }

    package var description: String {
        var parts = operation.isEmpty ? [] : ["\(operation):"]
        if let codeName { parts.append("\(codeName):") }
        parts.append(MongoError.withoutRowData(message))
        if let serverCode { parts.append("(\(serverCode))") }
        return parts.joined(separator: " ")
    }

    /// Servers quote documents in braces: what is in them goes. One line, whatever comes.
    static func withoutRowData(_ message: String) -> String {
        var kept = ""
        var depth = 0
        for character in message {
            switch character {
            case "{":
                if depth == 0 { kept += "{...}" }
                depth += 1
            case "}" where depth > 0: depth -= 1
            case _ where depth > 0: break
            case _ where character.isNewline: kept += " "
            default: kept.append(character)
            }
        }
        return kept
    }
}

/// The server's error codes that mean something to this client.
package enum MongoServerCode {
    package static let unauthorized = 13
    package static let illegalOperation = 20
    package static let namespaceNotFound = 26
    package static let cursorNotFound = 43
    package static let maxTimeExpired = 50
    package static let interrupted = 11601
    package static let duplicateKey = 11000

    package static func isDuplicateKey(_ code: Int) -> Bool { code == duplicateKey || code == 11001 || code == 12582 }

    /// Unauthorized, AuthenticationFailed.
    static let authentication: Set<Int> = [13, 18]

    /// The server goes away or is no primary (any more): another one, or the same one later, takes the call.
    static let goingAway: Set<Int> = [
        6, 7, 89, 91, 189, 9001, 10107, 11600, 11602, 13435, 13436, 134, 317,
    ]

    /// The server, or the router's connection to it, broke off what it was doing: some of it, or all, may be done.
    static let broken: Set<Int> = [6, 89, 91, 189, 202, 262, 9001, 11600, 11601, 11602]

    /// Passing refusals: lock timeout, write conflict, exceeded time limits, stale routing, aborted snapshots.
    static let passing: Set<Int> = [24, 46, 50, 63, 112, 150, 202, 234, 246, 262, 11601, 13388]

    /// The write was made and not confirmed: WriteConcernFailed, UnsatisfiableWriteConcern.
    static let writeConcern: Set<Int> = [64, 100]

    /// A change stream's place is gone: CappedPositionLost, ChangeStreamFatalError, ChangeStreamHistoryLost.
    static let changeStreamLost: Set<Int> = [136, 280, 286]
}

/// What follows from an error's code.
private struct MongoErrorTraits {
    let isRetriable: Bool
    let isUnavailable: Bool

    init(_ code: MongoError.Code, serverCode: Int?, labels: [String]) {
        let goesAway = serverCode.map(MongoServerCode.goingAway.contains) ?? false
        switch code {
        // A server that is too slow is as good as away: no other call would fare better now.
        case .serverSelection, .connectionLost, .deadlineExceeded, .exhausted:
            isUnavailable = true
            isRetriable = true
        case .closed:
            isUnavailable = true
            isRetriable = false
        case .server, .writeConcern:
            isUnavailable = goesAway
            isRetriable =
                goesAway || serverCode.map(MongoServerCode.passing.contains) ?? false
                || serverCode.map(MongoServerCode.writeConcern.contains) ?? false
                || labels.contains("RetryableWriteError") || labels.contains("TransientTransactionError")
        case .configuration, .authentication, .cancelled, .protocolViolation, .changeStreamLost:
            isUnavailable = false
            isRetriable = false
        }
    }
}
