import Catalog
import Market
import My
package import QuartetCore

/// Every read model, a line each.
package enum Projections {
    package static let all: [any Projection] = [
        UsersViewProjection(),
        ProductsViewProjection(),
        MarketUsersViewProjection(),
        MyProductsViewProjection(),
        BenchmarksViewProjection(),
    ]

    package static var names: [String] { all.map(\.name) }

    /// Those that are named, all where none is.
    ///
    /// - Throws: `ConfigurationError` that names one that there is not.
    static func named(_ names: [String]) throws -> [any Projection] {
        for name in names where !Self.names.contains(name) { throw unknown(name) }
        return names.isEmpty ? all : all.filter { names.contains($0.name) }
    }

    package static func named(_ name: String) throws -> any Projection {
        guard let projection = all.first(where: { $0.name == name }) else { throw unknown(name) }
        return projection
    }

    private static func unknown(_ name: String) -> ConfigurationError {
        ConfigurationError(
            key: "project.projections",
            problem: "\(name) is no read model; there are \(names.joined(separator: ", "))")
    }
}
