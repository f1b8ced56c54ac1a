import ClientSupport
import Foundation
import Logging
import Mongo

/// A replica set whose only member is the mongod on `port`.
struct MongoReplicaSet {
    static let name = "rs0"

    let port: UInt16
    /// Whether a majority write waits for the journal.
    let isDurable: Bool
    var security: MongoSecurity?

    private static let notYetInitialized = 94
    /// It was told before, and took its time over it.
    private static let alreadyInitialized = 23
    /// The stored member has another address.
    private static let invalidReplicaSetConfig = 93
    /// A server that wants a password: its set is there, since its users are.
    private static let unauthorized = 13

    /// Returns when the member takes writes. It is initiated the first time, and told its new address when its data come
    /// from another port.
    ///
    /// - Throws: `StackError` when that fails or `deadline` passes.
    func makePrimary(deadline: Deadline) async throws {
        do {
            guard let security else {
                return try await makePrimary(
                    at: "mongodb://127.0.0.1:\(port)/admin?directConnection=true", deadline: deadline)
            }
            do {
                try await makePrimary(at: security.directURL(port: port, as: .admin), deadline: deadline)
            } catch let error as MongoError where error.code == .authentication {
                // New data: nobody is known yet.
                try await makePrimary(at: security.directURL(port: port, as: nil), deadline: deadline) {
                    try await security.makeAdmin($0)
                }
            }
        } catch let error as MongoError {
            throw StackError(code: .startFailed, message: "the replica set could not be made: \(error)")
        }
    }

    /// - Parameter url: of the member alone, whatever set it believes to be in.
    private func makePrimary(
        at url: String, deadline: Deadline, then finish: (MongoClient) async throws -> Void = { _ in }
    ) async throws {
        let silence = Logger(label: "mongod") { _ in SwiftLogNoOpLogHandler() }
        let client = try MongoClient(try MongoConfiguration(url: url), logger: silence)
        do {
            try await makePrimary(client, deadline: deadline)
            try await finish(client)
        } catch {
            await client.close()
            throw error
        }
        await client.close()
    }

    private func makePrimary(_ client: MongoClient, deadline: Deadline) async throws {
        while true {
            if try await client.runCommand(["hello": 1])["isWritablePrimary"]?.asBool == true { return }
            do {
                _ = try await client.runCommand(["replSetGetStatus": 1])
            } catch let error as MongoError where error.serverCode == Self.notYetInitialized {
                try await initiate(client)
            } catch let error as MongoError where error.serverCode == Self.invalidReplicaSetConfig {
                // A forced change must carry a higher version than any before it.
                let version = Int(Date.now.timeIntervalSince1970)
                _ = try await client.runCommand(["replSetReconfig": configuration(version: version), "force": true])
            } catch let error as MongoError where error.serverCode == Self.unauthorized {
            }
            if deadline.isPast { throw StackError(code: .timedOut, message: "mongod did not become primary in time") }
            try await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(10)))
        }
    }

    private func initiate(_ client: MongoClient) async throws {
        do {
            _ = try await client.runCommand(["replSetInitiate": configuration(version: 1)])
        } catch let error as MongoError where error.serverCode == Self.alreadyInitialized {
        }
    }

    private func configuration(version: Int) -> BSONValue {
        [
            "_id": .string(Self.name), "version": .int32(Int32(version)),
            "writeConcernMajorityJournalDefault": .bool(isDurable),
            "members": [["_id": 0, "host": .string("127.0.0.1:\(port)")]],
        ]
    }
}
