import Foundation
import QuartetCore
import QuartetEmotion
import Testing

@Suite("Quality")
struct QualityTests {
    private struct SampleProduct: Decodable {
        struct Entry: Decodable {
            let id: String
            let text: String
            let rating: Int
            let date: String
        }
        let productId: String
        let reviews: [Entry]
    }

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func sample() throws -> [SampleProduct] {
        let text = try String(contentsOf: root.appending(path: "infra/sample/reviews.jsonl"), encoding: .utf8)
        return try text.split(separator: "\n").map {
            try JSONDecoder().decode(SampleProduct.self, from: Data($0.utf8))
        }
    }

    @Test("The sample is whole: eight products, unique ids, ratings in range")
    func sampleIsWhole() throws {
        let products = try Self.sample()
        #expect(products.count == 8)
        #expect(Set(products.map(\.productId)).count == 8)
        for product in products {
            #expect((12...25).contains(product.reviews.count))
            #expect(Set(product.reviews.map(\.id)).count == product.reviews.count)
            #expect(product.reviews.allSatisfy { (1...10).contains($0.rating) && !$0.text.isEmpty })
        }
    }

    @Test("In the sample, polarity agrees with clear ratings")
    func samplePolarity() async throws {
        let clear = try Self.sample().flatMap(\.reviews).filter { $0.rating <= 3 || $0.rating >= 8 }
        let readings = try await readAll(clear.map(\.text))
        let agreeing = zip(clear, readings).count { $0.rating >= 8 ? $1.polarity.value > 0 : $1.polarity.value < 0 }
        #expect(Double(agreeing) >= 0.9 * Double(clear.count))
    }

    @Test("The sample shows every emotion")
    func sampleEmotions() async throws {
        let readings = try await readAll(try Self.sample().flatMap(\.reviews).map(\.text))
        for emotion in Emotion.allCases { #expect(readings.count { $0.emotion == emotion } >= 5, "\(emotion)") }
    }

    /// Where the corpora are at hand they are the measure; elsewhere the sample above is.
    @Test("On the corpora, polarity and emotions are as good as they were")
    func corpora() async throws {
        let data = Self.root.appending(path: "../shared/data")
        guard FileManager.default.fileExists(atPath: data.path) else { return }
        let polarity = try await polarityAccuracy(of: data.appending(path: "sentiment/test.tsv.gz"))
        let ekman = try ekmanClasses(in: data.appending(path: "emotions"))
        let korean = try await macroF1(of: data.appending(path: "emotions/ko/test.tsv.gz"), ekman)
        let english = try await macroF1(of: data.appending(path: "emotions/en/test.tsv.gz"), ekman)
        print("polarity \(polarity), macro-F1 Korean \(korean), English \(english)")
        #expect(polarity >= 0.73)
        #expect(korean >= 0.42)
        #expect(english >= 0.48)
    }

    private func lines(of archive: URL) throws -> [[Substring]] {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/gzip")
        process.arguments = ["-dc", archive.path]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return String(decoding: data, as: UTF8.self).split(separator: "\n").map { $0.split(separator: "\t") }
    }

    /// Undecided counts as wrong; ratings of 5...8 are left out.
    private func polarityAccuracy(of archive: URL) async throws -> Double {
        let rows = try lines(of: archive).filter { $0.count == 2 && !(5...8).contains(Int($0[0]) ?? 5) }
        let readings = try await readAll(rows.map { String($0[1]) })
        let right = zip(rows, readings).count {
            (Int($0[0]) ?? 0) >= 9 ? $1.polarity.value > 0 : $1.polarity.value < 0
        }
        return Double(right) / Double(rows.count)
    }

    /// The Ekman emotion of each label number.
    private func ekmanClasses(in folder: URL) throws -> [Emotion] {
        let groups = try JSONDecoder().decode(
            [String: [String]].self, from: Data(contentsOf: folder.appending(path: "ekman.json")))
        let labels = try String(contentsOf: folder.appending(path: "labels.txt"), encoding: .utf8)
        return try labels.split(separator: "\n").map { label in
            let group = try #require(groups.first { $0.value.contains(String(label)) })
            return try #require(Emotion(rawValue: group.key))
        }
    }

    /// The mean F1 over the seven classes; a text may have several, and one of them is to be met.
    private func macroF1(of archive: URL, _ ekman: [Emotion]) async throws -> Double {
        let rows = try lines(of: archive).filter { $0.count >= 2 }
        let readings = try await readAll(rows.map { String($0[0]) })
        var counts = Emotion.allCases.map { _ in (hit: 0, extra: 0, missed: 0) }
        for (row, reading) in zip(rows, readings) {
            let truth = Set(row[1].split(separator: ",").compactMap { Int($0) }.map { ekman[$0] })
            for emotion in truth where emotion != reading.emotion { counts[emotion.index].missed += 1 }
            if truth.contains(reading.emotion) {
                counts[reading.emotion.index].hit += 1
            } else {
                counts[reading.emotion.index].extra += 1
            }
        }
        return counts.reduce(0.0) { $0 + Double(2 * $1.hit) / Double(2 * $1.hit + $1.extra + $1.missed) } / 7
    }
}
