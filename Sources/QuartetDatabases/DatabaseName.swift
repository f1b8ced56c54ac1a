/// A database by the name that the configuration gives it. Code names tables, never a database.
package struct DatabaseName: RawRepresentable, Sendable, Hashable, Comparable, CustomStringConvertible {
    package let rawValue: String

    package init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// What suppliers say.
    package static let source = DatabaseName(rawValue: "source")
    /// Products, analyses and their events.
    package static let dropship = DatabaseName(rawValue: "dropship")
    /// What is offered where.
    package static let market = DatabaseName(rawValue: "market")

    /// Those that there are unless a configuration names others.
    package static let usual: [DatabaseName] = [.source, .dropship, .market]

    package var description: String { rawValue }

    /// The order in which they are migrated and reported: the usual ones first.
    package static func < (left: DatabaseName, right: DatabaseName) -> Bool {
        let places = [left, right].map { usual.firstIndex(of: $0) ?? usual.count }
        return places[0] == places[1] ? left.rawValue < right.rawValue : places[0] < places[1]
    }
}
