/// What a service has only where its database has an extension of PostgreSQL, and does without elsewhere.
///
/// It is in no history: each `migrate` does what is missing, so that an extension that is installed later is found.
package struct ExtensionPart: Sendable, Hashable {
    /// The extension, as `CREATE EXTENSION` knows it.
    package let name: String
    /// The oldest version that will do, such as `[0, 8]`.
    package let versionMin: [Int]
    /// A query that gives statements, each of which changes nothing when it is done again. They run as the steps of a migration
    /// outside a transaction.
    package let steps: String

    package init(_ name: String, versionMin: [Int], steps: String) {
        self.name = name
        self.versionMin = versionMin
        self.steps = steps
    }

    package func accepts(_ version: String) -> Bool {
        !version.split(separator: ".").map { Int($0) ?? 0 }.lexicographicallyPrecedes(versionMin)
    }
}
