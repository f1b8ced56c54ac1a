import Foundation
package import Market
import QuartetDatabases
import ServiceLifecycle
package import ServiceSupport
import Suppliers

extension Composition {
    /// Fetches what suppliers have.
    package func supplierSync() throws -> PageSync { try sync(of: SuppliersService.sync) }

    /// Fetches what is offered and ordered at markets.
    package func marketSync() throws -> PageSync { try sync(of: MarketService.sync) }

    /// Makes orders of what was ordered at markets.
    package func marketOrders() throws -> MarketOrders { try MarketOrders(databases: clients.databases) }

    private func sync(of source: SyncSource) throws -> PageSync {
        let process = ProcessInfo.processInfo
        return try PageSync(
            source, databases: clients.databases, transport: HTTPPageTransport(), configuration: live.part(\.sync),
            process: "\(process.hostName), process \(process.processIdentifier)", logger: logger)
    }

    /// The role that syncs them as they are due.
    func syncRole() throws -> any Service {
        let orders = try marketOrders()
        return SyncRole(
            configuration: live.part(\.sync), syncs: [try supplierSync(), try marketSync()], logger: logger
        ) { _ = try await orders.take() }
    }
}
