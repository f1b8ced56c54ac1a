package import Foundation

/// The certificates and passwords of a secured stack, in a folder that its owner alone can enter.
///
/// The authority is made on the spot, signs one certificate for all servers of the stack, and its key is thrown away.
package struct StackSecrets: Sendable {
    package let security: StackSecurity
    private let folder: URL
    private let passwords: [String: String]

    /// Whom clients must trust.
    package var authorityFile: String { file("ca.pem") }
    /// The servers' certificate, its key, and both in one file.
    var certificateFile: String { file("server.pem") }
    var keyFile: String { file("server.key") }
    var chainFile: String { file("server-chain.pem") }

    /// Makes what is not there yet, in a folder beside those of the servers.
    ///
    /// - Throws: `StackError`.
    package init(of security: StackSecurity, in directory: URL) async throws {
        self.security = security
        folder = Self.folder(in: directory)
        do {
            // A server that runs as a user of its own must pass through what is around it.
            try FileManager.default.createDirectory(
                at: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o711])
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw StackError(
                code: .cannotUseDirectory, message: "can't make \(folder.path): \(error.localizedDescription)")
        }
        passwords = try Self.passwords(in: folder.appendingPathComponent("passwords"))
        let openssl = try ServerProgram.find("openssl", install: "apt-get install openssl")
        let log = folder.appendingPathComponent("openssl.log")
        guard try await ServerCommand.run(["/bin/sh", "-ec", Self.script, openssl, folder.path], log: log) else {
            throw StackError(
                code: .startFailed, message: "no certificates were made; openssl's words are in \(log.path)")
        }
    }

    static func folder(in directory: URL) -> URL { directory.standardizedFileURL.appendingPathComponent("secrets") }

    /// Of letters and digits, so that no URL, file or shell takes it for something else.
    func password(_ server: String, of user: SecureUser) -> String { passwords["\(server).\(user)"] ?? "" }

    /// What members of one replica set show each other.
    var mongoKey: String { passwords["mongod.key"] ?? "" }

    func file(_ name: String) -> String { folder.appendingPathComponent(name).path }

    /// What clients have to be told beside the URLs, as variables of their environment.
    package var settings: [String: String] {
        let roles = security.services.map { ("SERVICES_\($0.uppercased())_ROLE", StackSecurity.role(of: $0)) }
        return Dictionary(uniqueKeysWithValues: roles)
            .merging(["REDIS_CA_FILE": authorityFile, "RABBITMQ_CA_FILE": authorityFile]) { own, _ in own }
    }

    /// Writes a file that its owner alone reads, and returns its path.
    func write(_ text: String, to name: String) throws -> String {
        try Self.write(text, to: folder.appendingPathComponent(name))
        return file(name)
    }

    /// The authority's file as a value in a URL.
    var authorityInURL: String {
        authorityFile.utf8.map { byte in
            let character = Character(UnicodeScalar(byte))
            let isPlain = character.isASCII && (character.isLetter || character.isNumber || "/._-".contains(character))
            return isPlain ? String(character) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }.joined()
    }

    // MARK: Files

    private static let names =
        ["postgres", "redis", "mongod", "rabbitmq", "kafka"].flatMap { ["\($0).admin", "\($0).quartet"] } + [
            "mongod.key"
        ]

    /// A line each; what is there stays, since servers have taken it over.
    private static func passwords(in file: URL) throws -> [String: String] {
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        var passwords: [String: String] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
            if parts.count == 2 { passwords[parts[0]] = parts[1] }
        }
        let missing = names.filter { passwords[$0] == nil }
        guard !missing.isEmpty else { return passwords }
        for name in missing { passwords[name] = random() }
        try write(passwords.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)\n" }.joined(), to: file)
        return passwords
    }

    private static func random() -> String {
        let alphabet = Array("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789")
        return String((0..<32).compactMap { _ in alphabet.randomElement() })
    }

    private static func write(_ text: String, to file: URL) throws {
        let draft = file.appendingPathExtension("draft")
        let isWritten =
            FileManager.default.createFile(
                atPath: draft.path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
            && rename(draft.path, file.path) == 0
        guard isWritten else { throw StackError(code: .cannotUseDirectory, message: "can't write \(file.path)") }
    }

    /// Renewed when they have less than a month to go.
    private static let script = """
        openssl=$0 && cd "$1" && umask 077
        if [ -s server-chain.pem ] && "$openssl" x509 -checkend 2592000 -noout -in server.pem; then exit 0; fi
        curve="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
        "$openssl" req -x509 $curve -days 1825 -subj "/CN=Quartet, made on the spot" -keyout ca.key -out ca.pem
        "$openssl" req $curve -subj "/CN=quartet-server" -keyout server.key -out server.csr
        echo "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1" > names
        "$openssl" x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 1825 -extfile names -out server.pem
        cat server.key server.pem ca.pem > server-chain.pem
        rm -f ca.key ca.srl server.csr names
        """
}
