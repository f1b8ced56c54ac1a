import ArgumentParser
import Foundation
import NIOCore

/// Sends a file's products and reviews to the API.
struct Ingest: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send a file of reviews to the API.",
        discussion: """
            FILE has a JSON object a line, {"productId", "reviews": [{"id", "text", "rating", "date"}]}, and may be
            gzipped; - is standard input. Sending a file again adds only what is new. What can't be taken is left out and
            told, and the rest goes in; then the status is 1.
            """)

    @OptionGroup var options: ClientOptions

    @Argument(help: "A .jsonl or .jsonl.gz file, or -.")
    var file: String

    @Option(help: "List what was left out there, with the reasons; mended, it can be ingested.", completion: .file())
    var rejects: String?

    @Flag(help: "Print the totals as JSON.")
    var json = false

    private struct Totals: Codable {
        var products = 0
        var reviews = 0
        var added = 0
        var rejected = 0
    }

    func run() async throws {
        let client = try options.client()
        let file = try ReviewFile(path: file)
        let rejects = try Rejects(of: file.path, listedIn: rejects)
        let bar = ProgressBar("ingest", unit: "products")
        var totals = Totals()
        try await withThrowingTaskGroup(of: AddedReviews.self) { group in
            var running = 0
            func collect() async throws {
                guard let added = try await group.next() else { return }
                running -= 1
                totals.reviews += added.received
                totals.added += added.added
                bar.advance(part: file.partRead, note: "· \(totals.reviews) reviews")
            }
            while let next = try file.next() {
                switch next {
                case .failure(let bad):
                    let reject = Rejects.Reject(line: bad.line, reason: bad.reason, text: bad.text)
                    try rejects.add(reject, bar: bar)
                case .success(let product):
                    totals.products += 1
                    if running == 4 { try await collect() }
                    group.addTask { try await ProductImport(product, client, rejects, bar).run() }
                    running += 1
                }
            }
            while running > 0 { try await collect() }
        }
        bar.finish()
        totals.rejected = rejects.total
        try show(totals)
        if totals.rejected > 0 { throw ExitCode(1) }
    }

    private func show(_ totals: Totals) throws {
        let numbers = "\(totals.products) products, \(totals.reviews) reviews, \(totals.added) of them new"
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            Terminal.out(String(decoding: try encoder.encode(totals), as: UTF8.self))
        } else {
            Terminal.out(numbers + (totals.rejected > 0 ? ", \(totals.rejected) left out" : ""))
        }
    }
}

/// Creates a product and sends its reviews in parts that the API takes.
private struct ProductImport {
    private static let partReviewsMax = 2_000
    private static let partBytesMax = 4 << 20

    private let product: ReviewFile.Product
    private let client: APIClient
    private let rejects: Rejects
    private let bar: ProgressBar

    init(_ product: ReviewFile.Product, _ client: APIClient, _ rejects: Rejects, _ bar: ProgressBar) {
        self.product = product
        self.client = client
        self.rejects = rejects
        self.bar = bar
    }

    func run() async throws -> AddedReviews {
        do {
            try await client.putProduct(product.id)
        } catch let error as ClientError where error.isAboutTheData {
            try reject(product.reviews.indices, error.description)
            return AddedReviews(received: 0, added: 0)
        }
        var all = AddedReviews(received: 0, added: 0)
        var start = 0
        while start < product.reviews.count {
            let end = endOfPart(from: start)
            try await send(start..<end, into: &all)
            start = end
        }
        return all
    }

    /// What is refused as a whole is sent in halves, down to the one that is to blame.
    private func send(_ reviews: Range<Int>, into all: inout AddedReviews) async throws {
        var lines = ByteBuffer()
        for index in reviews {
            lines.writeBytes(product.reviews[index])
            lines.writeString("\n")
        }
        do {
            let answer = try await client.addReviews(lines, to: product.id)
            all.received += answer.received
            all.added += answer.added
            for rejected in answer.rejected ?? [] {
                // Lines count from 1.
                let index = reviews.lowerBound + rejected.line - 1
                try reject(index..<index + 1, rejected.reason)
            }
        } catch let error as ClientError where error.isAboutTheData {
            guard reviews.count > 1 else { return try reject(reviews, error.description) }
            let middle = reviews.lowerBound + reviews.count / 2
            try await send(reviews.lowerBound..<middle, into: &all)
            try await send(middle..<reviews.upperBound, into: &all)
        }
    }

    private func endOfPart(from start: Int) -> Int {
        var (end, bytes) = (start, 0)
        while end < product.reviews.count, end - start < Self.partReviewsMax {
            bytes += product.reviews[end].count
            if bytes > Self.partBytesMax, end > start { break }
            end += 1
        }
        return end
    }

    private func reject(_ reviews: Range<Int>, _ reason: String) throws {
        for index in reviews where product.reviews.indices.contains(index) {
            let text = String(decoding: product.reviews[index], as: UTF8.self)
            let reject = Rejects.Reject(
                line: product.line, product: product.id, review: index + 1, reason: reason, text: text)
            try rejects.add(reject, bar: bar)
        }
    }
}
