import Foundation
import StoreKit

/// A replica set whose only member is the mongod on `port`.
struct MongoReplicaSet {
    static let name = "rs0"

    let port: UInt16
    /// Whether a majority write waits for the journal.
    let isDurable: Bool

    /// Returns when the member takes writes. It is initiated the first time, and told its new address when its data come
    /// from another port.
    ///
    /// - Throws: `StackError` when that fails or `deadline` passes.
    func makePrimary(deadline: Deadline) async throws {
        guard let session = MongoSession(port: port) else { throw failed("mongod closed the connection") }
        while true {
            if try session.run(["hello": .int(1)]).isPrimary { return }
            let status = try session.run(["replSetGetStatus": .int(1)])
            switch status.code {
            case 94:  // NotYetInitialized
                try check(session.run(["replSetInitiate": configuration(version: 1)]))
            case 93:  // InvalidReplicaSetConfig: the stored member has another address
                // A forced change must carry a higher version than any before it.
                let version = Int32(Date.now.timeIntervalSince1970)
                try check(session.run(["replSetReconfig": configuration(version: version), "force": .bool(true)]))
            default: break  // being elected
            }
            if deadline.isPast { throw StackError(code: .timedOut, message: "mongod did not become primary in time") }
            try await ContinuousClock().sleep(for: .milliseconds(10))
        }
    }

    private func configuration(version: Int32) -> MongoValue {
        .document([
            "_id": .string(Self.name), "version": .int(version),
            "writeConcernMajorityJournalDefault": .bool(isDurable),
            "members": .array([.document(["_id": .int(0), "host": .string("127.0.0.1:\(port)")])]),
        ])
    }

    private func check(_ reply: MongoSession.Reply) throws {
        if let message = reply.message { throw failed(message) }
    }

    private func failed(_ message: String) -> StackError {
        StackError(code: .startFailed, message: "the replica set could not be made: \(message)")
    }
}
