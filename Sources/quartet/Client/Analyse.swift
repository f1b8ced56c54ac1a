import ArgumentParser
import Foundation
import NIOCore
import QuartetCore

/// Asks for analyses and shows what comes of them.
struct Analyse: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Analyse products and show the results.",
        discussion:
            """
            Prints a result for each product, or with --json one JSON object a line; with --watch too the events, as
            {"product_id", "event", "data"}. Exits with 1 if one failed.
            """)

    @OptionGroup var options: ClientOptions

    @Argument(help: "Product ids.")
    var products: [String] = []

    @Flag(help: "Every product there is.")
    var all = false

    @Option(help: "The products of this file of reviews, as `ingest` reads it.", completion: .file())
    var of: String?

    @Flag(help: "Show progress and emotion cards as they arrive.")
    var watch = false

    @Flag(help: "Print results as JSON, one a line.")
    var json = false

    @Option(help: "Analyses on the way at once.")
    var concurrency = 16

    func validate() throws {
        guard [all, of != nil, !products.isEmpty].count(where: { $0 }) == 1 else {
            throw ValidationError("name products, or give --all or --of FILE")
        }
        if concurrency < 1 { throw ValidationError("--concurrency is at least 1") }
    }

    func run() async throws {
        let client = try options.client()
        let products = try await chosenProducts(client)
        guard !products.isEmpty else {
            throw ClientError("there are no products; send some with `quartet ingest FILE`")
        }
        let bar = ProgressBar(
            "analyse", total: products.count, unit: "products", isQuiet: watch && !Terminal.isInteractive)
        var failed = 0
        try await withThrowingTaskGroup(of: Bool.self) { group in
            var running = 0
            func collect() async throws {
                if try await group.next() == false { failed += 1 }
                running -= 1
                bar.advance()
            }
            for product in products {
                if running == concurrency { try await collect() }
                group.addTask { try await analyse(product, client: client, bar: bar) }
                running += 1
            }
            while running > 0 { try await collect() }
        }
        bar.finish()
        if failed > 0 {
            Terminal.say("\(failed) of \(products.count) analyses did not complete")
            throw ExitCode(1)
        }
    }

    private func chosenProducts(_ client: APIClient) async throws -> [String] {
        if all { return try await client.allProducts() }
        return try of.map { try ReviewFile(path: $0).productIDs() } ?? products
    }

    /// Returns whether the analysis completed. One that can't be followed does not stop the others.
    private func analyse(_ product: String, client: APIClient, bar: ProgressBar) async throws -> Bool {
        do {
            let submitted = try await client.submit(product: product, idempotencyKey: UUID().uuidString)
            try await client.watch(submitted.id) { event in
                guard watch else { return }
                if json {
                    bar.out(Self.line(event, product: product))
                } else {
                    try show(event, product: product, bar: bar)
                }
            }
            let bytes = try await client.analysisJSON(submitted.id)
            let answer: AnalysisAnswer = try client.decode(bytes)
            bar.out(json ? String(buffer: bytes) : ResultView(answer: answer).text)
            return answer.status == "completed"
        } catch let error as ClientError {
            bar.say("\(product): \(error)")
            return false
        }
    }

    /// An event as a line of JSON.
    private static func line(_ event: ServerEvent, product: String) -> String {
        let line = JSONWriter.object(capacity: 512) { json in
            json.field("product_id", product)
            json.field("event", event.name)
            json.key("data")
            json.raw(event.data)
        }
        return String(decoding: line, as: UTF8.self)
    }

    /// The most that a product's name takes of a line.
    private static let nameColumnsMax = 24

    private func show(_ event: ServerEvent, product: String, bar: ProgressBar) throws {
        switch event.name {
        case "progress":
            let progress = try JSONDecoder().decode(ProgressAnswer.self, from: event.data)
            let part = progress.total == 0 ? 0 : Double(progress.done) / Double(progress.total)
            let name = TextWidth.cut(product, to: Self.nameColumnsMax)
            bar.out("\(name) \(Terminal.bar(part, width: 20)) \(progress.done)/\(progress.total)")
        case "card":
            let card = try JSONDecoder().decode(CardAnswer.self, from: event.data)
            let emotion = card.emotion.padding(toLength: 8, withPad: " ", startingAt: 0)
            let name = TextWidth.cut(product, to: Self.nameColumnsMax)
            let start = "\(name) #\(card.ordinal) \(emotion) \(ResultView.signed(card.polarity))  "
            bar.out(start + TextWidth.cut(card.excerpt, to: TextWidth.columns - TextWidth.of(start)))
        default: break
        }
    }
}
