extension RedisConfiguration {
    /// Reads `redis://[[user]:password@]host[:port][/database]`, or `rediss://` for TLS. User and password are
    /// percent-decoded; an IPv6 address is in brackets. Several hosts, separated by commas, are nodes of a cluster.
    ///
    /// - Throws: `RedisError` with code `configuration`, which does not repeat the URL.
    package init(url: String) throws(RedisError) {
        let usesTLS: Bool
        var rest: Substring
        if url.hasPrefix("redis://") {
            (usesTLS, rest) = (false, url.dropFirst("redis://".count))
        } else if url.hasPrefix("rediss://") {
            (usesTLS, rest) = (true, url.dropFirst("rediss://".count))
        } else {
            throw RedisError(.configuration, "the URL must begin with redis:// or rediss://")
        }

        self.init()
        tls = usesTLS ? RedisTLS() : nil
        guard !rest.contains(where: { $0 == "?" || $0 == "#" }) else {
            throw RedisError(.configuration, "the URL must have no query or fragment")
        }
        // A password may hold a slash or an at sign only percent-encoded, as in any URL; the last at sign counts anyway.
        if let at = rest.lastIndex(of: "@") {
            try readCredentials(rest[..<at])
            rest = rest[rest.index(after: at)...]
        }
        if let slash = rest.firstIndex(of: "/") {
            try readDatabase(rest[rest.index(after: slash)...])
            rest = rest[..<slash]
        }
        let nodes = rest.split(separator: ",", omittingEmptySubsequences: false)
        for node in nodes.dropFirst() {
            try readAddress(node)
            cluster = cluster ?? RedisClusterSettings()
            cluster?.otherNodes.append(RedisAddress(host: host, port: port))
        }
        try readAddress(nodes[0])
    }

    private mutating func readCredentials(_ text: Substring) throws(RedisError) {
        guard let colon = text.firstIndex(of: ":") else {
            throw RedisError(.configuration, "the URL's credentials must be user:password or :password")
        }
        guard let user = Self.percentDecoded(text[..<colon]),
            let password = Self.percentDecoded(text[text.index(after: colon)...])
        else { throw RedisError(.configuration, "the URL's credentials are not well percent-encoded") }
        username = user.isEmpty ? nil : user
        self.password = password.isEmpty ? nil : password
    }

    private mutating func readDatabase(_ text: Substring) throws(RedisError) {
        guard !text.isEmpty else { return }
        guard text.allSatisfy(\.isWholeNumber), let number = Int(text) else {
            throw RedisError(.configuration, "the URL's path must be the number of a database")
        }
        database = number
    }

    private mutating func readAddress(_ text: Substring) throws(RedisError) {
        var portText: Substring = ""
        if text.first == "[", let bracket = text.firstIndex(of: "]") {
            host = String(text[text.index(after: text.startIndex)..<bracket])
            let after = text[text.index(after: bracket)...]
            guard after.isEmpty || after.first == ":" else {
                throw RedisError(.configuration, "the URL's address is malformed")
            }
            portText = after.dropFirst()
        } else {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count <= 2 else { throw RedisError(.configuration, "the URL's address is malformed") }
            host = String(parts[0])
            portText = parts.count == 2 ? parts[1] : ""
        }
        guard !host.isEmpty else { throw RedisError(.configuration, "the URL names no host") }
        port = 6379
        guard !portText.isEmpty else { return }
        guard portText.allSatisfy(\.isWholeNumber), let number = UInt16(portText), number > 0 else {
            throw RedisError(.configuration, "the URL's port must be 1 to 65535")
        }
        port = Int(number)
    }

    private static func percentDecoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let digits = String(rest.prefix(2)), digits.allSatisfy(\.isHexDigit),
                let decoded = UInt8(digits, radix: 16)
            else {
                return nil
            }
            bytes.append(decoded)
            rest.removeFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
