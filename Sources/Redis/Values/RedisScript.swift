/// A Lua script and its digest, by which the server knows it once it has run.
package struct RedisScript: Sendable, Hashable {
    package let source: String
    /// 40 lower-case hexadecimal digits.
    package let sha1: String

    package init(_ source: String) {
        self.source = source
        sha1 = SHA1.hexDigest(of: source.utf8)
    }

    package static func == (left: RedisScript, right: RedisScript) -> Bool { left.sha1 == right.sha1 }

    package func hash(into hasher: inout Hasher) { hasher.combine(sha1) }
}
