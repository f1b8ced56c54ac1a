import Foundation
import QuartetDatabases
import ServiceLifecycle
package import Suppliers

extension Composition {
    /// Fetches what suppliers have.
    package func supplierSync() throws -> SupplierSync {
        let process = ProcessInfo.processInfo
        return try SupplierSync(
            databases: clients.databases, transport: HTTPSupplierTransport(), configuration: live.part(\.sync),
            process: "\(process.hostName), process \(process.processIdentifier)", logger: logger)
    }

    /// The role that syncs them as they are due.
    func syncRole() throws -> any Service {
        SyncRole(configuration: live.part(\.sync), sync: try supplierSync(), logger: logger)
    }
}
