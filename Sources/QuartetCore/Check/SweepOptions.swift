package import Foundation

/// What a sweep is asked to do.
package struct SweepOptions: Sendable, Hashable, Codable {
    package enum Reach: Sendable, Hashable, Codable {
        /// What changed since the last sweep; everything when that is due.
        case incremental
        case full
        /// What changed since then.
        case since(Date)
    }

    package var reach = Reach.incremental
    package var invariants: Set<Invariant> = Set(Invariant.allCases)
    /// Of all keys, how many are judged: 0 (exclusive) ... 1. Always the same ones.
    package var sample = 1.0
    package var repairs = false

    package init() {}

    /// Two sweeps with the same text do the same, so that one can go on where the other was cut off.
    package var text: String {
        let reach =
            switch reach {
            case .incremental: "incremental"
            case .full: "full"
            case .since(let date): "since \(date.timeIntervalSince1970)"
            }
        let names = invariants.sorted().map(\.rawValue).joined(separator: ",")
        return "\(reach) \(names) sample \(sample)\(repairs ? " repair" : "")"
    }
}

/// A part of a sweep: one walk through some of the stores.
package enum SweepPhase: String, Sendable, Hashable, CaseIterable, Codable {
    /// What earlier sweeps left, and what was opened again: each by its key.
    case again
    /// Requests, results, tasks and sessions side by side.
    case requests
    /// Cards, folded, beside requests and results.
    case cards
    case outbox
    case caches
    /// References from one database into another.
    case references
    /// Read models beside their sources.
    case readModels = "read_models"

    package var invariants: Set<Invariant> {
        switch self {
        case .again: [.i1, .i2, .i3, .i4, .i5, .i6]
        case .requests: [.i1, .i2, .i3, .i5, .i6]
        case .cards: [.i4, .i5]
        case .outbox: [.i7]
        case .caches: [.i8]
        case .references: [.i10]
        case .readModels: [.i9]
        }
    }

    package var title: String {
        switch self {
        case .again: "what was found before"
        case .requests: "requests, results, tasks, sessions"
        case .cards: "cards and their folds"
        case .outbox: "outbox and cursors"
        case .caches: "caches and expiry"
        case .references: "references across databases"
        case .readModels: "read models and their sources"
        }
    }

    /// What its rows are, for people.
    package var unit: String {
        switch self {
        case .again, .requests: "requests"
        case .cards: "cards"
        case .outbox: "shards"
        case .caches: "keys"
        case .references: "references"
        case .readModels: "rows"
        }
    }
}

/// Which keys a sample has: always the same ones, spread over all keys.
package struct KeySample: Sendable, Hashable {
    private let bound: UInt64?

    /// - Parameter fraction: 0...1.
    package init(_ fraction: Double) {
        bound = fraction >= 1 ? nil : fraction > 0 ? UInt64(fraction * 0x1p63) << 1 : 0
    }

    package var isEverything: Bool { bound == nil }

    package func contains(_ id: RequestID) -> Bool {
        guard let bound else { return true }
        return withUnsafeBytes(of: id.uuid.uuid) { Self.hash($0) } < bound
    }

    package func contains(_ key: [UInt8]) -> Bool {
        guard let bound else { return true }
        return key.withUnsafeBytes { Self.hash($0) } < bound
    }

    /// FNV-1a with a last mixing, so that ids that were made one after the other are spread.
    private static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        hash = (hash ^ (hash >> 33)) &* 0xff51_afd7_ed55_8ccd
        return hash ^ (hash >> 33)
    }
}
