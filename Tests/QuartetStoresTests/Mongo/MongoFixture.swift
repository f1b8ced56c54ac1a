import Logging
import Mongo
import QuartetStack
import QuartetTesting

/// Runs `body` with a client on a database, one of its own unless it is named, which goes afterwards.
func withMongo(
    database: String = TestStack.uniqueName("stores"), _ body: (MongoClient) async throws -> Void
) async throws {
    let url = try await TestStack.shared.mongo.url(database: database)
    let client = try MongoClient(MongoConfiguration(url: url), logger: Logger(label: "test"))
    let outcome: Result<Void, any Error>
    do {
        outcome = .success(try await body(client))
    } catch {
        outcome = .failure(error)
    }
    try? await client.dropDatabase()
    await client.close()
    try outcome.get()
}
