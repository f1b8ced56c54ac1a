import ArgumentParser
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import QuartetService

/// Finds products that are like what markets sell.
struct Candidates: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Find products that are like benchmark products; make what they are compared by.",
        subcommands: [CandidatesFind.self, CandidatesEmbed.self], defaultSubcommand: CandidatesFind.self)
}

struct CandidatesFind: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "find", abstract: "Find the nearest products of a benchmark product, or of all.",
        discussion: "It takes pgvector in the catalogue's database.")

    @OptionGroup var options: ClientOptions

    @Option(help: "The benchmark product's id; all unless given.")
    var benchmark: String?

    @Option(help: "How many products of each, up to 500.")
    var limit = 20

    @Option(help: "Only of this category, by its id.")
    var category: String?

    @Option(help: "Only of this brand.")
    var brand: String?

    @Option(help: "Only from this price on, in the smallest unit of its currency.")
    var priceMin: Int64?

    @Option(help: "Only up to this price.")
    var priceMax: Int64?

    @Flag(help: "Keep them as sourcing candidates, for people to accept or refuse.")
    var keep = false

    @Flag(help: "Print them as JSON, a benchmark product a line.")
    var json = false

    func validate() throws {
        guard (1...500).contains(limit) else { throw ValidationError("--limit is 1 to 500") }
    }

    func run() async throws {
        let client = try options.client()
        let filters = [
            ("limit", String(limit)), ("category", category), ("brand", brand),
            ("price_min", priceMin.map(String.init)),
            ("price_max", priceMax.map(String.init)),
        ]
        if let benchmark {
            try await find(benchmark, filters, client)
        } else {
            try await client.eachBenchmark { try await find($0, filters, client) }
        }
    }

    private func find(_ benchmark: String, _ filters: [(String, String?)], _ client: APIClient) async throws {
        let (answer, document) = try await client.candidates(of: benchmark, filters, keeping: keep)
        if json { return Terminal.out(document) }
        Terminal.out("── \(benchmark)")
        guard !answer.candidates.isEmpty else { return Terminal.out("   no product") }
        let rows = answer.candidates.map { candidate in
            let product = candidate.product
            return [
                candidate.likeness.formatted(.number.precision(.fractionLength(3)).locale(Locale(identifier: "en_US"))),
                product.id, "\(product.price) \(product.currency)", ResultView.oneLine(product.name),
            ]
        }
        for line in TextTable(header: ["LIKE", "PRODUCT", "PRICE", "NAME"], rows: rows).lines { Terminal.out(line) }
    }
}

struct CandidatesEmbed: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "embed", abstract: "Make what products are compared by, where it is missing or out of date.",
        discussion: "The role `project` does so as products change; this is for those that were there before.")

    @OptionGroup var configuration: ConfigurationOptions

    @Flag(help: "Print the outcome as JSON.")
    var json = false

    func run() async throws {
        let bar = ProgressBar("embed", unit: "products")
        let made = try await configuration.withComposition("candidates") { composition in
            try await composition.embedProducts { bar.advance(by: $0) }
        }
        bar.finish()
        Terminal.out(json ? #"{"made":\#(made)}"# : "\(made) embeddings made or changed")
    }
}

struct CandidatesAnswer: Decodable {
    struct Candidate: Decodable {
        let likeness: Double
        let product: Product
    }

    struct Product: Decodable {
        private enum CodingKeys: String, CodingKey {
            case id = "product_id"
            case name, currency, price
        }

        let id, name, currency: String
        let price: Int64
    }

    let candidates: [Candidate]
}

private struct BenchmarksAnswer: Decodable {
    private enum CodingKeys: String, CodingKey {
        case rows = "benchmark_products"
        case next
    }

    struct Row: Decodable {
        let id: String
    }

    let rows: [Row]
    let next: String?
}

extension APIClient {
    private static func part(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(.init(charactersIn: "._-"))) ?? text
    }

    /// Also the document as the API wrote it.
    func candidates(
        of benchmark: String, _ filters: [(String, String?)], keeping: Bool
    ) async throws -> (CandidatesAnswer, document: String) {
        let query = filters.compactMap { name, value in value.map { "\(name)=\(Self.part($0))" } }
        let path = "/v1/benchmarks/\(Self.part(benchmark))/candidates?\(query.joined(separator: "&"))"
        let answer = try await call(keeping ? .POST : .GET, path, body: nil)
        return (try decode(answer), String(buffer: answer))
    }

    func eachBenchmark(_ body: (String) async throws -> Void) async throws {
        var cursor: String? = ""
        while let from = cursor {
            let start = from.isEmpty ? "" : "&cursor=\(Self.part(from))"
            let page: BenchmarksAnswer = try await decode(
                call(.GET, "/v1/benchmark_products?limit=1000\(start)", body: nil))
            for row in page.rows { try await body(row.id) }
            cursor = page.next
        }
    }
}
