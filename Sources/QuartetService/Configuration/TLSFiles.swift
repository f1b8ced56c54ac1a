/// PEM files for connections by TLS: whom to trust in place of the system's authorities, and this client's own certificate
/// with its key.
package struct TLSFiles: Sendable {
    package private(set) var authority: String?
    package private(set) var certificate: String?
    package private(set) var key: String?

    /// - Parameter part: of the configuration: `redis` reads `redis.ca_file`.
    mutating func read(_ part: String, from reader: inout SettingsReader) throws {
        authority = try file("\(part).ca_file", authority, &reader)
        certificate = try file("\(part).certificate_file", certificate, &reader)
        key = try file("\(part).key_file", key, &reader)
    }

    private func file(_ name: String, _ present: String?, _ reader: inout SettingsReader) throws -> String? {
        let text = try reader.string(name, present ?? "")
        return text.isEmpty ? nil : text
    }

    /// Refuses files that would not be used.
    func check(_ part: String, scheme: String, usesTLS: Bool) throws {
        guard usesTLS || [authority, certificate, key].allSatisfy({ $0 == nil }) else {
            throw ConfigurationError(
                key: "\(part).url", problem: "has to begin with \(scheme):// where files are given")
        }
        guard (certificate == nil) == (key == nil) else {
            throw ConfigurationError(key: "\(part).key_file", problem: "goes with \(part).certificate_file")
        }
    }
}
