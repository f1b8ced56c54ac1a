/// Where a node of a cluster is.
package struct RedisAddress: Sendable, Hashable, CustomStringConvertible {
    package let host: String
    package let port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads `host:port`, as MOVED and ASK have it, where the address of IPv6 has no brackets, or `[address]:port`. Nil if it is
    /// something else; the host may be empty.
    package init?(_ text: some StringProtocol) {
        guard let colon = text.lastIndex(of: ":"), let number = UInt16(text[text.index(after: colon)...]), number > 0
        else { return nil }
        var name = String(text[..<colon])
        if name.hasPrefix("["), name.hasSuffix("]") { name = String(name.dropFirst().dropLast()) }
        self.init(host: name, port: Int(number))
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// A node that does not say where it is is where it was asked.
    func orHost(_ other: String) -> RedisAddress { host.isEmpty ? RedisAddress(host: other, port: port) : self }
}

/// How a cluster is found.
package struct RedisClusterSettings: Sendable, Hashable {
    /// Nodes to ask beside the one that the configuration names.
    package var otherNodes: [RedisAddress] = []
    /// Where nodes can be reached that announce an address at which they can't.
    package var reachableAt: [RedisAddress: RedisAddress] = [:]

    package init() {}
}
