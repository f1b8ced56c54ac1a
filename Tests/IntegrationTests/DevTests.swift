import Foundation
import QuartetCore
import QuartetStack
import SystemTesting
import Testing

/// The whole of it, as somebody meets it who has just built it: `dev`, `ingest`, `analyse`.
@Suite struct DevTests {
    private let folder: URL
    private let data: URL

    init() throws {
        folder = try TemporaryFolder.make()
        // A path that no shell takes as it is.
        data = folder.appendingPathComponent("it's 내 $data")
    }

    @Test(.timeLimit(.minutes(5)))
    func productsAreAnalysedAndKeptFromOneStartToTheNext() async throws {
        let file = try await ReviewFile.cut(into: folder)
        var analyses: [RequestID] = []
        let end = try await DevRun.with(data: data, folder: folder, stoppedBy: SIGTERM) { dev in
            try await ingest(file, new: file.reviewCount, on: dev)
            analyses = try await analyseAll(file, on: dev)
            try await expectOneStory(analyses, file, on: dev)
            try await ingest(file, new: 0, on: dev)
            try await expectPastedCommandToWork(dev)
            #expect(try DevRun.processes(naming: data).count >= 4)
            try await expectToRefuseCompany(dev)
        }
        #expect(end == .status(0))
        #expect(try DevRun.processes(naming: data).isEmpty)

        let secondEnd = try await DevRun.with(data: data, folder: folder, stoppedBy: SIGINT) { dev in
            #expect(try await dev.client(["products", "--count"], folder: folder) == "\(file.products.count)\n")
            let product = try #require(file.products.keys.sorted().first)
            let kept = try await dev.shop.call(.get, "/v1/products/\(product)/analysis")
            #expect(kept.status == 200)
            let again = try await dev.client(["analyse", product, "--json"], folder: folder)
            let analysis = try JSONDecoder().decode(Shop.Analysis.self, from: Data(again.utf8))
            let before = try kept.decoded(as: Shop.Analysis.Result.self)
            #expect(analysis.result?.reviews == before.reviews)
            // The digest is keyed by the request, so that of the new one differs.
            #expect(analysis.result?.digest != before.digest)
        }
        #expect(secondEnd == .status(0))
        #expect(try DevRun.processes(naming: data).isEmpty)
    }

    private func expectPastedCommandToWork(_ dev: DevRun) async throws {
        let printed = dev.process.log.split(separator: "`").first { $0.hasPrefix("set -a") }
        let command = try #require(printed.map(String.init))
        let url = try await TestProcess.output(
            of: ["/bin/sh", "-c", "\(command) && printf %s \"$QUARTET_API_URL\""], folder: folder)
        #expect(url == dev.environment["QUARTET_API_URL"])
    }

    /// With all that has a meaning in a URL, a key, a message or a pattern.
    private static let oddProduct = "$상품 1/2 {50%}? #*[a]&+"

    @Test(.timeLimit(.minutes(3)))
    func twoRunSideBySide() async throws {
        let other = folder.appendingPathComponent("other")
        let end = try await DevRun.with(data: data, folder: folder, stoppedBy: SIGINT) { first in
            let secondEnd = try await DevRun.with(data: other, folder: folder, stoppedBy: SIGTERM) { second in
                #expect(first.environment["QUARTET_API_KEY"] != second.environment["QUARTET_API_KEY"])
                try await first.shop.addProduct(Self.oddProduct, reviews: 5)
                let id = try await first.shop.submitted(Self.oddProduct)
                #expect(try await first.shop.closed(id).status == "completed")
                let path = "/v1/products/\(try #require(ProductID(Self.oddProduct)).pathPart)"
                for part in ["", "/analysis"] {
                    // From PostgreSQL, then from the cache.
                    for _ in 0..<2 { #expect(try await first.shop.call(.get, path + part).status == 200) }
                }
                #expect(try await second.client(["products", "--count"], folder: folder) == "0\n")
                #expect(try await second.shop.call(.get, "/v1/analyses/\(id)").status == 404)
            }
            #expect(secondEnd == .status(0))
            #expect(try await first.client(["products"], folder: folder) == "\(Self.oddProduct)\n")
        }
        #expect(end == .status(0))
    }

    @Test(.timeLimit(.minutes(3)))
    func aServerThatDiesEndsItWithThatServersName() async throws {
        let dev = try await DevRun.start(data: data, folder: folder)
        do {
            let redis = try DevRun.processes(naming: data).first { $0.command.contains("redis-server") }
            kill(try #require(redis).pid, SIGKILL)
            #expect(try await dev.process.waitForEnd() == .status(1))
            let last = try #require(dev.process.log.split(separator: "\n").last)
            #expect(last.contains("redis ended unexpectedly (signal 9)"), "\(last)")
            #expect(try DevRun.processes(naming: data).isEmpty)
        } catch {
            await dev.process.kill()
            throw error
        }
    }

    // MARK: Steps

    private func ingest(_ file: ReviewFile, new: Int, on dev: DevRun) async throws {
        struct Totals: Decodable, Equatable {
            let products, reviews, added: Int
        }
        let output = try await dev.client(["ingest", file.url.path, "--json"], folder: folder)
        let totals = try JSONDecoder().decode(Totals.self, from: Data(output.utf8))
        #expect(totals == Totals(products: file.products.count, reviews: file.linesCount, added: new))
    }

    private func analyseAll(_ file: ReviewFile, on dev: DevRun) async throws -> [RequestID] {
        let output = try await dev.client(["analyse", "--all", "--json"], folder: folder)
        let analyses = try output.split(separator: "\n").map { line in
            try JSONDecoder().decode(ProductAnalysis.self, from: Data(line.utf8))
        }
        #expect(Set(analyses.map(\.productID)) == Set(file.products.keys))
        #expect(analyses.count == file.products.count)
        for analysis in analyses {
            #expect(analysis.status == "completed")
            #expect(analysis.result?.reviews == file.products[analysis.productID])
        }
        return try analyses.map { try #require(RequestID($0.id)) }
    }

    private func expectOneStory(_ analyses: [RequestID], _ file: ReviewFile, on dev: DevRun) async throws {
        let stores = try Stores(environment: dev.environment, folder: folder)
        do {
            try await Story(stores).expectCompleted(analyses)
            #expect(try await stores.count("analysis.analysis_requests") == analyses.count)
            #expect(try await stores.count("analysis.analysis_results") == analyses.count)
            #expect(try await stores.documents("analysis_queue").isEmpty)
            #expect(try await stores.aggregates(in: .product).sorted() == file.products.keys.sorted())
        } catch {
            await stores.close()
            throw error
        }
        await stores.close()
    }

    /// A second `dev` on the folder says who has it, in one line, and leaves the first alone.
    private func expectToRefuseCompany(_ dev: DevRun) async throws {
        let second = try TestProcess.quartet(["dev", "--data", data.path], folder: folder)
        let end = try await second.waitForEnd()
        #expect(end == .status(1))
        #expect(second.log.split(separator: "\n").count == 1, "\(second.log)")
        #expect(second.log.contains("in use by process \(dev.process.pid)"), "\(second.log)")
        #expect(try await dev.shop.call(.get, "/readyz").status == 200)
    }
}

private struct ProductAnalysis: Decodable {
    let id: String
    let productID: String
    let status: String
    let result: Shop.Analysis.Result?

    private enum CodingKeys: String, CodingKey {
        case id, status, result
        case productID = "product_id"
    }
}
