import Foundation
package import Market
import QuartetCore
import ServiceSupport

extension Composition {
    /// Collects benchmark products by the fetcher of the suppliers, with its pace, patience and bounds.
    package func benchmarkCollector() throws -> BenchmarkCollector {
        let process = ProcessInfo.processInfo
        let settings = live.part(\.sync)
        return try BenchmarkCollector(
            databases: clients.databases, leaseDuration: settings.now.leaseDuration,
            process: "\(process.hostName), process \(process.processIdentifier)", logger: logger
        ) { job in
            FetchedBenchmarks(job, configuration: settings, transport: HTTPPageTransport())
        }
    }
}

/// What a source lists at its URL, `/products`, of what a job asks for.
struct FetchedBenchmarks: BenchmarkSource {
    private let client: PageClient
    private let query: String

    init(_ job: CollectJob, configuration: Live<SyncConfiguration>, transport: any PageTransport) {
        client = PageClient(
            SyncAccount(
                of: "market", id: job.marketplace, url: job.url, token: job.token, requestsPerSecond: nil,
                isPaused: false),
            configuration: configuration, transport: transport)
        query = job.query
    }

    func page(behind cursor: String?) async throws -> CollectedPage {
        let page = try await client.page(of: "products", query: [("query", query), ("cursor", cursor)])
        return CollectedPage(
            rows: page.rows.map { CollectedPage.Row(id: $0.id, json: $0.payload) }, refused: page.refused.count,
            next: page.next)
    }
}
