import CLibMongoC
import ClientSupport

/// A parsed connection string. Owns libmongoc's `mongoc_uri_t`.
struct ConnectionString: ~Copyable {
    private let uri: OpaquePointer

    init(_ text: String) throws(MongoError) {
        uri = try Self.parse(text)
    }

    private static func parse(_ text: String) throws(MongoError) -> OpaquePointer {
        ClientLibrary.start()
        var error = bson_error_t()
        guard let uri = mongoc_uri_new_with_error(text, &error) else {
            // libmongoc's text may quote the string, and with it the password.
            throw MongoError(.configuration, "not a MongoDB connection string", domain: error.domain)
        }
        // A password with an unescaped @ would become half of a host name, and be told in every error.
        let database = mongoc_uri_get_database(uri).map { String(cString: $0) } ?? ""
        guard Self.hosts(of: uri).allSatisfy({ !$0.contains("@") }), !database.contains("@"),
            text.prefix(while: { $0 != "?" }).count(where: { $0 == "@" }) <= 1
        else {
            mongoc_uri_destroy(uri)
            throw MongoError(
                .configuration, "not a MongoDB connection string: in a user or a password @ is written %40, / is %2F")
        }
        return uri
    }

    deinit {
        mongoc_uri_destroy(uri)
    }

    var database: String? {
        mongoc_uri_get_database(uri).map { String(cString: $0) }
    }

    /// host:port of each server named.
    var hosts: [String] { Self.hosts(of: uri) }

    private static func hosts(of uri: OpaquePointer) -> [String] {
        var hosts: [String] = []
        var next = mongoc_uri_get_hosts(uri)
        while let host = next {
            hosts.append(
                withUnsafeBytes(of: host.pointee.host_and_port) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                })
            next = UnsafePointer(host.pointee.next)
        }
        return hosts
    }

    var retriesWrites: Bool { mongoc_uri_get_option_as_bool(uri, "retrywrites", true) }

    /// Sets an option where the string does not.
    func setDefault(_ option: String, _ value: Int32) {
        guard !mongoc_uri_has_option(uri, option) else { return }
        mongoc_uri_set_option_as_int32(uri, option, value)
    }

    func set(_ option: String, _ value: Int32) {
        mongoc_uri_set_option_as_int32(uri, option, value)
    }

    func setDefault(applicationName: String) {
        guard !mongoc_uri_has_option(uri, "appname") else { return }
        mongoc_uri_set_appname(uri, applicationName)
    }

    /// For as long as this value lives.
    func withPointer<Value>(_ body: (OpaquePointer) throws -> Value) rethrows -> Value {
        try body(uri)
    }
}

extension ConnectionString {
    init(_ configuration: MongoConfiguration) throws(MongoError) {
        try self.init(configuration.url)
        setDefault("connecttimeoutms", configuration.connectTimeout.timeoutMilliseconds)
        setDefault("serverselectiontimeoutms", configuration.serverSelectionTimeout.timeoutMilliseconds)
        setDefault("sockettimeoutms", configuration.socketTimeout.timeoutMilliseconds)
        setDefault(applicationName: configuration.applicationName)
        set("maxpoolsize", Int32(clamping: configuration.connectionsMax + configuration.changeStreamsMax))
    }
}

extension Duration {
    /// In whole milliseconds, at least 1: libmongoc takes 0 for no timeout at all.
    fileprivate var timeoutMilliseconds: Int32 { max(1, Int32(clamping: wholeMilliseconds)) }
}
