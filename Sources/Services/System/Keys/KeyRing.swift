import Foundation
package import QuartetHTTP
import Synchronization

/// The keys that a process knows, in memory: no call waits for the database, and none fails because it is away.
package final class KeyRing: CallerKeys {
    struct Known: Sendable {
        let id: String
        let hash: [UInt8]
        /// Nil if it has no rights.
        let caller: Caller?
        let expiresAt: Date?
    }

    private struct State {
        /// Nil until they were read for the first time.
        var known: [String: Known]?
        /// When each was used last since that was written down.
        var uses: [String: Date] = [:]
    }

    private let state = Mutex(State())
    private let now: @Sendable () -> Date

    init(now: @escaping @Sendable () -> Date = { .now }) {
        self.now = now
    }

    package func verdict(on key: Substring) -> KeyVerdict {
        guard key.utf8.count > NewKey.idLength, key.hasPrefix("qk_") else { return .unknown }
        let id = String(decoding: key.utf8.prefix(NewKey.idLength), as: UTF8.self)
        let known = state.withLock { state in state.known.map { $0[id] } }
        guard let known else { return .notYet }
        guard let known, Self.areEqual(Array(NewKey.hash(of: key).utf8), known.hash) else { return .unknown }
        let time = now()
        if let expiresAt = known.expiresAt, expiresAt <= time { return .expired }
        guard let caller = known.caller else { return .unknown }
        state.withLock { $0.uses[id] = time }
        return .caller(caller)
    }

    func replace(by keys: [Known]) {
        let known = Dictionary(keys.map { ($0.id, $0) }) { $1 }
        state.withLock { $0.known = known }
    }

    /// The uses to be written down; none any more then.
    func takeUses() -> [String: Date] {
        state.withLock { state in
            defer { state.uses = [:] }
            return state.uses
        }
    }

    /// They could not be written down.
    func putBack(_ uses: [String: Date]) { state.withLock { $0.uses.merge(uses) { max($0, $1) } } }

    /// Compares in a time that does not depend on where the difference is.
    private static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        return zip(left, right).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
