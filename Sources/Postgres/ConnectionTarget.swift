import CLibPQ
import ClientSupport

/// What the URL says of where the server is, without its secrets.
struct ConnectionTarget: Sendable {
    struct Host: Sendable, Equatable {
        /// A name, an address, or a socket's folder.
        var name: String
        /// An address in place of looking the name up.
        var address: String?
        var port: String
    }

    /// None if libpq's own defaults count.
    let hosts: [Host]
    let endpoint: String
    /// `options` of the URL.
    let options: String
    let sessionAttributes: String?
    /// Of each address.
    let timeout: Duration?

    init(url: String) throws(PostgresError) {
        try Self.requireEscaping(url)
        let values = try Self.parse(url)
        let names = Self.list(values["host"])
        let addresses = Self.list(values["hostaddr"])
        let ports = Self.list(values["port"])
        let count = max(names.count, addresses.count)
        for port in ports where !port.isEmpty {
            // What is no number here may be part of a password.
            guard let number = Int(port), (1...65_535).contains(number) else {
                throw Self.refusal("its port is not a number of 1 to 65535")
            }
        }
        guard names.isEmpty || addresses.isEmpty || names.count == addresses.count,
            ports.count <= 1 || ports.count == count
        else { throw Self.refusal("it has not as many hosts as ports or addresses") }
        hosts = (0..<count).map { index in
            let port = ports.count > 1 ? ports[index] : ports.first ?? ""
            let address = addresses.isEmpty || addresses[index].isEmpty ? nil : addresses[index]
            return Host(
                name: names.isEmpty ? "" : names[index], address: address, port: port.isEmpty ? "5432" : port)
        }
        options = values["options"] ?? ""
        sessionAttributes = values["target_session_attrs"]
        timeout = values["connect_timeout"].flatMap(Int.init).flatMap { $0 > 0 ? .seconds($0) : nil }
        let user = values["user"].map { "\($0)@" } ?? ""
        let places = hosts.isEmpty ? ["localhost:\(ports.first ?? "5432")"] : hosts.map(\.description)
        endpoint = "\(user)\(places.joined(separator: ","))/\(values["dbname"] ?? "")"
    }

    /// libpq takes the first `@` for the end of the password and the first `/` for the end of the host: what is left of a
    /// password would then be part of a name that errors show.
    private static func requireEscaping(_ url: String) throws(PostgresError) {
        guard let scheme = url.firstRange(ofText: "://") else { return }
        let rest = url[scheme.upperBound...].prefix { $0 != "?" }
        let authority = rest.prefix { $0 != "/" }
        guard rest.count(where: { $0 == "@" }) <= 1, authority.contains("@") || !rest.contains("@") else {
            throw refusal("in a user or a password @ is written %40, / is %2F, : is %3A, ? is %3F and % is %25")
        }
    }

    private static func parse(_ url: String) throws(PostgresError) -> [String: String] {
        var complaint: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(url, &complaint) else {
            defer { PQfreemem(complaint) }
            // What libpq quotes may be the password.
            let text = complaint.map { String(cString: $0) } ?? "out of memory"
            throw refusal("\(text.prefix { $0 != "\"" && !$0.isNewline })...")
        }
        defer { PQconninfoFree(options) }
        var values: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { values[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        return values
    }

    private static func list(_ text: String?) -> [String] {
        guard let text, !text.isEmpty else { return [] }
        return text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }

    private static func refusal(_ reason: String) -> PostgresError {
        PostgresError(.configuration, "the PostgreSQL URL is not valid: \(reason)")
    }
}

extension ConnectionTarget.Host: CustomStringConvertible {
    var isSocketFolder: Bool { name.hasPrefix("/") || name.hasPrefix("@") }

    var description: String {
        let place = name.isEmpty ? address ?? "" : name
        return place.contains(":") ? "[\(place)]:\(port)" : "\(place):\(port)"
    }
}
