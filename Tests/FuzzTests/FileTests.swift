import Foundation
import QuartetCore
import QuartetTesting
import Testing

@testable import QuartetEmotion
@testable import QuartetService
@testable import ServiceSupport

/// Files that are given, and what servers of others answer.
@Suite("Fuzzing files and others' answers", .ownThread)
struct FileTests {
    @Test("a model file is used, or refused in one line")
    func model() throws {
        let weights = (0..<8 * 16).map { Int8(truncatingIfNeeded: $0 &* 37) }
        let good = ModelFile(bucketCount: 16, parameters: [ModelParameters(), ModelParameters()], notes: "CC0 자료")
            .encode(weights: weights)
        let text = "정말 좋아요, not bad at all"
        try Fuzz.run("model", corpus: [good], words: ["QEMOTION"]) { bytes in
            var bytes = bytes
            // Behind the checksum, too: somebody may have made it fit.
            if bytes.count % 2 == 0 { ModelFile.stamp(&bytes) }
            do {
                var reader = ModelReader(model: try EmotionModel(bytes: bytes), lexicon: .standard)
                let reading = reader.read(text)
                try Fuzz.expect(reading.isSound(for: text), "\(reading)")
            } catch let error as ModelFileError {
                try Fuzz.expect(!error.description.contains("\n"), error.description)
            }
        }
    }

    @Test("a configuration is read, or refused in one line that names a key")
    func configuration() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(TestStack.uniqueName("fuzz"))
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("quartet.yaml")
        let corpus = [
            "log:\n  level: info # a word\nworker:\n  lease_duration: 10s\n  tasks_max: 768\n",
            "db: {names: 'source, dropship, market', port: 5432}\nsource:\n  database: {url: \"\", role: \"\"}\n",
            "tables:\n  products: {database: dropship, schema: catalog}\nredis:\n  url: redis://127.0.0.1:6379/0\n",
            "log:\r\n  level: info\r\nredis:\r\n  prefix: 'a'\r\n",
            "check:\n  schedule: \"03:00\"\n  repair: false\nevents: {topics: user.events=rabbitmq}\n",
        ].map { Array($0.utf8) }
        let words = [
            "\n  ", "&a", "*a", "<<: *a", "!!binary", "? ", "- ", "|", "---\n", "10s", "99999999999999d", "{", "}",
        ]
        // Each takes longer than one of the others.
        try Fuzz.run("configuration", corpus: corpus, words: words, count: Fuzz.count / 4) { bytes in
            try Data(bytes).write(to: file)
            do {
                _ = try QuartetConfiguration.load(path: file.path, environment: ["QUARTET_API_KEY": "k"])
            } catch let error as ConfigurationError {
                try Fuzz.expect(!error.description.contains("\n") && !error.key.isEmpty, error.description)
            }
        }
    }

    @Test("variables are read, or refused in one line that names a key")
    func variables() throws {
        let corpus = [
            "WORKER_LEASE_DURATION=10s\0REDIS_URL=rediss://u:p%40@[::1]:6379/1", "DB_NAMES=a, b\0KAFKA_BROKERS=a:1,b:2",
            "DROPSHIP_DATABASE_URL=postgresql://u:p@h1:1,h2:2/d?sslmode=require\0MONGODB_URL=mongodb://u:p@h/q?tls=true",
            "RABBITMQ_URL=amqps://u:p@h:1/v\0EVENTS_TOPICS=user.events=rabbitmq\0CHECK_SCHEDULE=6h",
        ].map { Array($0.utf8) }
        try Fuzz.run("variables", corpus: corpus, words: ["://", "@", "%", "?", "10s", ","], count: Fuzz.count / 4) {
            bytes in
            var environment = ["QUARTET_API_KEY": "k"]
            for part in bytes.split(separator: 0) {
                let pair = String(decoding: part, as: UTF8.self).split(separator: "=", maxSplits: 1).map(String.init)
                if pair.count == 2 { environment[pair[0]] = pair[1] }
            }
            do {
                _ = try QuartetConfiguration.load(path: nil, environment: environment)
            } catch let error as ConfigurationError {
                try Fuzz.expect(!error.key.isEmpty, error.description)
            }
        }
    }

    @Test("a page of a supplier or a market is taken row by row, or refused")
    func fetchedPage() throws {
        let corpus = [
            #"{"items": [{"id": "1", "name": "상품"}, {"id": 2, "price": 1.5}, 3], "next": "n", "as_of": "2025-06-01"}"#,
            #"{"next": null, "items": []}"#,
        ].map { Array($0.utf8) }
        try Fuzz.run("page", corpus: corpus, words: [#""items":"#, #""id":"#, #""next":"#, "[{", "}]"]) { bytes in
            do {
                let page = try FetchedPage(bytes, of: "items", account: "s")
                try Fuzz.expect(Set(page.rows.map(\.key)).count == page.rows.count, "a row comes twice")
                try Fuzz.expect(page.rows.allSatisfy { !$0.id.isEmpty }, "a row without an id")
            } catch let error as SyncError {
                try Fuzz.expect(!"\(error)".contains("\n"), "\(error)")
            }
        }
    }

    @Test("a model server's answer gives sound readings, or none")
    func readings() throws {
        let reviews = ["a", "b"].map { Review(id: $0, text: "정말 좋아요") }
        let corpus = [
            """
            {"readings": [{"id": "a", "scores": {"joy": 0.75, "sadness": 0, "anger": 0, "fear": 0, "disgust": 0,
            "surprise": 0.25, "neutral": 0}, "polarity": 0.5, "keywords": ["좋아요"], "excerpt": "정말 좋아요",
            "aspects": [{"term": "맛", "category": "quality", "polarity": 1, "span": [0, 6]}]}, {"id": "b"}, 7]}
            """, #"{"readings": []}"#,
        ].map { Array($0.utf8) }
        let words = [#""joy":"#, "-0.0", "1e400", "[-1, 9]", "[9223372036854775807, 0]", #""span":"#, "0.9999999"]
        try Fuzz.run("readings", corpus: corpus, words: words) { bytes in
            do {
                for result in try AnalyzerDocuments.readings(in: bytes, of: reviews[...]) {
                    guard case .success(let reading) = result else { continue }
                    // How it rounds, and what it cuts out, are the server's own.
                    let sum = Emotion.allCases.reduce(0) { $0 + reading.scores[$1].tenThousandths }
                    try Fuzz.expect(abs(sum - 10_000) <= 500, "scores come to \(sum)")
                    try Fuzz.expect(abs(reading.polarity.tenThousandths) <= 10_000, "\(reading)")
                    try Fuzz.expect(reading.keywords.allSatisfy { !$0.isEmpty && $0.utf8.count <= 64 }, "\(reading)")
                }
            } catch let error as HTTPAnalyzerError {
                try Fuzz.expect(!"\(error)".contains("\n"), "\(error)")
            }
        }
    }
}
