import Foundation
import SystemTesting

/// Some products and their reviews, in a file as `quartet ingest` takes it.
struct ReviewFile {
    let url: URL
    /// How many different reviews each product has.
    let products: [String: Int]
    /// Reviews in the file, repeated ones included.
    let linesCount: Int

    var reviewCount: Int { products.values.reduce(0, +) }

    private struct Line: Decodable {
        struct Review: Decodable {
            let id: String
        }

        let productId: String
        let reviews: [Review]
    }

    /// Twenty products of a collection of real reviews where it lies beside the package, the small sample elsewhere.
    static func cut(into folder: URL) async throws -> ReviewFile {
        let collection = root.appendingPathComponent("../shared/data/reviews/products.jsonl.gz").standardized
        let sample = root.appendingPathComponent("infra/sample/reviews.jsonl")
        let command =
            FileManager.default.fileExists(atPath: collection.path)
            ? ["/bin/sh", "-c", #"gzip -dc "$1" | head -n 20"#, "sh", collection.path] : ["/bin/cat", sample.path]
        let text = try await TestProcess.output(of: command, folder: folder)
        let file = folder.appendingPathComponent("reviews.jsonl")
        try text.write(to: file, atomically: true, encoding: .utf8)
        let lines = try text.split(separator: "\n").map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
        return ReviewFile(
            url: file,
            products: Dictionary(
                lines.map { ($0.productId, Set($0.reviews.map(\.id)).count) }, uniquingKeysWith: { $1 }),
            linesCount: lines.reduce(0) { $0 + $1.reviews.count })
    }

    private static let root: URL = {
        var folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        repeat {
            folder.deleteLastPathComponent()
        } while !FileManager.default.fileExists(atPath: folder.appendingPathComponent("Package.swift").path)
        return folder
    }()
}
