import ArgumentParser
import Foundation
import NIOCore

/// Sends a file's products and reviews to the API.
struct Ingest: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send a file of reviews to the API.",
        discussion: """
            FILE has a JSON object a line, {"productId", "reviews": [{"id", "text", "rating", "date"}]}, and may be
            gzipped; - is standard input. Sending a file again adds only what is new.
            """)

    @OptionGroup var configuration: ConfigurationOptions

    @Argument(help: "A .jsonl or .jsonl.gz file, or -.")
    var file: String

    @Flag(help: "Print the totals as JSON.")
    var json = false

    private struct Totals: Codable {
        var products = 0
        var reviews = 0
        var added = 0
    }

    func run() async throws {
        let client = try configuration.load().client()
        let file = try ReviewFile(path: file)
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
            while let product = try file.next() {
                totals.products += 1
                if running == 4 { try await collect() }
                group.addTask { try await Self.send(product, client: client) }
                running += 1
            }
            while running > 0 { try await collect() }
        }
        bar.finish()
        if json {
            Terminal.out(String(decoding: try JSONEncoder().encode(totals), as: UTF8.self))
        } else {
            Terminal.out("\(totals.products) products, \(totals.reviews) reviews, \(totals.added) of them new")
        }
    }

    /// Creates the product and sends its reviews in parts that the API takes.
    private static func send(_ product: ReviewFile.Product, client: APIClient) async throws -> AddedReviews {
        do {
            try await client.putProduct(product.productId)
            var received = 0
            var added = 0
            for part in try parts(of: product.reviews) {
                let answer = try await client.addReviews(part, to: product.productId)
                received += answer.received
                added += answer.added
            }
            return AddedReviews(received: received, added: added)
        } catch let error as ClientError {
            throw ClientError("product \(product.productId): \(error)")
        }
    }

    private static func parts(of reviews: [ReviewFile.Product.Review]) throws -> [ByteBuffer] {
        let encoder = JSONEncoder()
        var parts: [ByteBuffer] = []
        var part = ByteBuffer()
        var count = 0
        for review in reviews {
            part.writeBytes(try encoder.encode(review))
            part.writeString("\n")
            count += 1
            if count == 2_000 || part.readableBytes > 4 << 20 {
                parts.append(part)
                part = ByteBuffer()
                count = 0
            }
        }
        if count > 0 { parts.append(part) }
        return parts
    }
}
