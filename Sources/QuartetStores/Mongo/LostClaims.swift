import QuartetCore
import Synchronization

/// The tokens of claims whose answers were lost: their tasks are leased, and the worker does not know of them. Left alone
/// they would count as those of a worker that died.
final class LostClaims: Sendable {
    /// So many failures in a row are one outage; the tasks of more wait for their leases to run out.
    private static let countMax = 64

    private let tokens = Mutex<[LeaseToken]>([])

    /// Remembers `token` where `claim` fails.
    func noting<Value>(_ token: LeaseToken, _ claim: () async throws -> Value) async throws -> Value {
        do {
            return try await claim()
        } catch {
            tokens.withLock { tokens in
                if tokens.count < Self.countMax { tokens.append(token) }
            }
            throw error
        }
    }

    /// What `look` finds under the tokens, which are forgotten then; nothing where none is remembered.
    func find(_ look: ([LeaseToken]) async throws -> [Claim]) async throws -> [Claim] {
        let present = tokens.withLock { tokens in
            defer { tokens = [] }
            return tokens
        }
        guard !present.isEmpty else { return [] }
        do {
            return try await look(present)
        } catch {
            tokens.withLock { $0 = present + $0 }
            throw error
        }
    }
}
