/// A field of a resource and the column that it is kept in, by the same name.
package struct Column: Sendable {
    package enum Kind: Sendable, Hashable {
        /// 1 to so many bytes.
        case text(bytesMax: Int)
        /// Where something answers by HTTP, without a query.
        case url
        /// Of something, as its shop gave it: any text of 1 to 128 bytes.
        case id
        case uuid
        case integer(ClosedRange<Int64>)
        /// In the smallest unit of the currency that stands beside it.
        case money
        /// Three letters of ISO 4217.
        case currency
        /// RFC 3339.
        case time
        /// A day as 2026-11-30.
        case date
        case flag
        /// Any JSON of so many bytes at most.
        case json(bytesMax: Int)
    }

    package struct Traits: OptionSet, Sendable {
        package let rawValue: Int

        package init(rawValue: Int) {
            self.rawValue = rawValue
        }

        /// Has to be there when one is created, and can't be emptied.
        package static let required = Traits(rawValue: 1)
        /// Set by the service alone.
        package static let readOnly = Traits(rawValue: 2)
        /// Lists can be of one value; an index begins with it.
        package static let filter = Traits(rawValue: 4)
        /// Lists can be in its order; an index is of it and the key, and it is never NULL.
        package static let sort = Traits(rawValue: 8)
        /// Taken from callers and given to none: not in answers, lists or events.
        package static let secret = Traits(rawValue: 16)
    }

    package let name: String
    package let kind: Kind
    package let traits: Traits
    /// What it is where nothing is said, in SQL; nil for NULL.
    package let fallback: String?

    package init(_ name: String, _ kind: Kind, _ traits: Traits = [], fallback: String? = nil) {
        self.name = name
        self.kind = kind
        self.traits = traits
        self.fallback = fallback
    }

    /// Its type in PostgreSQL.
    package var sqlType: String {
        switch kind {
        case .text, .url, .id, .currency: "text"
        case .uuid: "uuid"
        case .integer, .money: "bigint"
        case .time: "timestamptz"
        case .date: "date"
        case .flag: "boolean"
        case .json: "json"
        }
    }
}
