import ClientSupport
import Mongo
import Postgres
import QuartetCore
import QuartetDatabases
import QuartetMigrations
import QuartetService
import QuartetStores

/// Plain reads of what a sweep reads: what the stores and their clients alone take.
struct CheckFloor {
    let clients: StoreClients

    func measure() async throws -> CheckFigures.Floor {
        let database = try clients.databases.client(of: .dropship)
        let counts = try await Self.timed {
            let requests = try await count("analysis_requests", database)
            _ = try await count("analysis_results", database)
            for name in ["analysis_queue", "realtime_analysis_sessions"] {
                _ = try await clients.mongo.collection(name).countDocuments()
            }
            return requests
        }
        let cursors = try await Self.timed {
            async let requests = read(
                "SELECT request_id, status, generation, created_at, closed_at FROM {analysis_requests}", database)
            async let results = read("SELECT request_id, card_count, digest FROM {analysis_results}", database)
            async let tasks = read("analysis_queue", ["_id": 1, "state": 1, "generation": 1])
            async let sessions = read("realtime_analysis_sessions", ["_id": 1])
            let (rows, _, _, _) = try await (requests, results, tasks, sessions)
            return rows
        }
        let cardCount = try await Self.timed {
            let sizes: BSONDocument = ["_id": 1, "n": ["$sum": ["$size": "$cards"]]]
            let segments = clients.mongo.collection(MongoCardStore.collectionName)
            return try await segments.aggregate([["$group": .document(sizes)]]).first?["n"]?.asInt ?? 0
        }
        let cardCursor = try await Self.timed { try await readCards() }
        return .init(
            requestCounts: counts, requestCursors: cursors, cardCount: cardCount, cardCursor: cardCursor)
    }

    private func count(_ table: String, _ database: PostgresClient) async throws -> Int {
        let sql = try clients.configuration.tables.render("SELECT count(*) FROM {\(table)}", label: "bench").sql
        return try await database.query(PostgresStatement(sql), deadline: .after(.seconds(300))).single().decode(0)
    }

    private func read(_ query: String, _ database: PostgresClient) async throws -> Int {
        let sql = try clients.configuration.tables.render("\(query) ORDER BY request_id", label: "bench").sql
        var count = 0
        for try await rows in database.stream(PostgresStatement(sql), chunkRows: 4096).chunks { count += rows.count }
        return count
    }

    private func read(_ collection: String, _ projection: BSONDocument?) async throws -> Int {
        let options = MongoFindOptions(sort: ["_id": 1], projection: projection, batchSize: 4096)
        var count = 0
        let cursor = clients.mongo.collection(collection, readConcern: .majority).stream([:], options)
        for try await documents in cursor.batches { count += documents.count }
        return count
    }

    private func readCards() async throws -> Int {
        let options = MongoFindOptions(sort: ["_id": 1], batchSize: 256)
        let segments = clients.mongo.collection(MongoCardStore.collectionName, readConcern: .majority)
        var count = 0
        for try await documents in segments.stream([:], options).batches {
            for document in documents { count += document["cards"]?.asArray.map { $0.count { _ in true } } ?? 0 }
        }
        return count
    }

    private static func timed(_ body: () async throws -> Int) async throws -> CheckFigures.Rate {
        let began = ContinuousClock.now
        let rows = try await body()
        let seconds = began.duration(to: .now).seconds
        return .init(rows: rows, perSecond: Int(Double(rows) / seconds))
    }
}
