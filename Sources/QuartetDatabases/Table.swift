/// A table or function by the name that SQL files use for it: `{analysis_requests}`.
package struct Table: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    package let rawValue: String

    package init(rawValue: String) {
        self.rawValue = rawValue
    }

    package init(_ name: String) {
        rawValue = name
    }

    package var description: String { rawValue }

    // The outbox, one in each database: an event is written where its data are.
    package static let outbox = Table("outbox")
    package static let outboxCursors = Table("outbox_cursors")
    package static let outboxRelays = Table("outbox_relays")
    package static let outboxSettings = Table("outbox_settings")
    package static let outboxWaiting = Table("outbox_waiting")
    package static let emit = Table("emit")
    package static let epoch = Table("epoch")
    package static let firstVersion = Table("first_version")

    package static let ofOutbox: Set<Table> = [
        outbox, outboxCursors, outboxRelays, outboxSettings, outboxWaiting, emit, epoch, firstVersion,
    ]

    /// All of the outbox that a service may name.
    package static let ofEvents: Set<Table> = [emit, epoch, firstVersion]

    /// Whether each database has one of its own.
    package var isInEveryDatabase: Bool { Self.ofOutbox.contains(self) }
}
