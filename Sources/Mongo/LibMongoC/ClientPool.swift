import CLibMongoC
import Dispatch

/// libmongoc's pool: what its clients share is the monitoring of the servers, on threads of its own. Which client is used
/// when is decided in `ConnectionPool`.
///
/// `@unchecked Sendable`: libmongoc locks `mongoc_client_pool_t` itself.
final class ClientPool: @unchecked Sendable {
    private let pool: OpaquePointer
    let retriesWrites: Bool

    init(_ configuration: MongoConfiguration) throws(MongoError) {
        let string = try ConnectionString(configuration)
        retriesWrites = string.retriesWrites
        var error = bson_error_t()
        guard let pool = string.withPointer({ mongoc_client_pool_new_with_error($0, &error) }) else {
            throw MongoError(.configuration, error.text, domain: error.domain)
        }
        mongoc_client_pool_set_error_api(pool, MONGOC_ERROR_API_VERSION_2)
        self.pool = pool
    }

    /// Every client keeps its pool, so none is out when this runs. It blocks: libmongoc tells the server which sessions end,
    /// and joins its threads.
    deinit {
        nonisolated(unsafe) let pool = pool
        DispatchQueue(label: "mongo.pool.end").async { mongoc_client_pool_destroy(pool) }
    }

    /// A client to be given back, or nil if as many are out as the pool may have.
    func take() -> OpaquePointer? {
        mongoc_client_pool_try_pop(pool)
    }

    func giveBack(_ client: OpaquePointer) {
        mongoc_client_pool_push(pool, client)
    }
}

extension bson_error_t {
    var text: String {
        withUnsafeBytes(of: message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
