import HTTPTypes

/// Who calls, as far as the key says.
package struct Caller: Sendable, Hashable {
    /// What a key is good for; each scope includes those before it.
    package enum Scope: String, Sendable, CaseIterable, Comparable {
        /// Calls that change nothing.
        case read
        case write
        /// Also the configuration and keys.
        case admin

        package static func < (left: Scope, right: Scope) -> Bool {
            allCases.firstIndex(of: left) ?? 0 < allCases.firstIndex(of: right) ?? 0
        }
    }

    /// The key's, for those who ask later who it was.
    package let name: String
    package let scope: Scope

    package init(name: String, scope: Scope) {
        self.name = name
        self.scope = scope
    }

    /// The one whose key the process was started with.
    package static let configured = Caller(name: "QUARTET_API_KEY", scope: .admin)
}

extension APIContext {
    /// - Throws: a 403 problem for a key that is not good for that.
    package func require(_ scope: Caller.Scope) throws -> Caller {
        guard let caller, caller.scope >= scope else {
            throw Problem(.forbidden, "scope-missing", "this call needs a key of scope \(scope.rawValue)")
        }
        return caller
    }
}

/// What a process makes of a key that somebody shows.
package enum KeyVerdict: Sendable, Hashable {
    case caller(Caller)
    case unknown
    case expired
    /// The keys were not read yet.
    case notYet
}

/// Keys beside the one that the process was started with. Asked at each call: nothing may have to be waited for.
package protocol CallerKeys: Sendable {
    func verdict(on key: Substring) -> KeyVerdict
}
