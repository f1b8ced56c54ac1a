import Foundation

/// Makes PostgreSQL data folders. The first is initialised; it leaves a template of which the later ones are copies,
/// which is many times faster.
struct PostgresCluster {
    /// The folder of initdb.
    let programs: String
    let account: ServerAccount

    /// Makes the data folder of `folder` unless it is there: a new one, or a standby's from its running primary.
    func make(in folder: ServerFolder, isDurable: Bool, from primaryPort: UInt16? = nil) async throws {
        try await account.checkReach(folder.home, log: folder.log)
        guard !FileManager.default.fileExists(atPath: folder.data.path) else { return }
        // Under another name until it is whole, so that an interrupted start leaves nothing that looks like data.
        let draft = folder.home.appendingPathComponent("draft")
        try? FileManager.default.removeItem(at: draft)
        if let primaryPort {
            try await copyPrimary(primaryPort, to: draft, log: folder.log)
        } else if try await !copyTemplate(to: draft, log: folder.log) {
            try? FileManager.default.removeItem(at: draft)
            try await initialise(draft, log: folder.log)
            await keepTemplate(of: draft, log: folder.log)
        }
        if isDurable {
            let sync = account.command(["\(programs)/initdb", "--sync-only", "-D", draft.path])
            guard try await ServerCommand.run(sync, log: folder.log) else {
                throw failed("initdb --sync-only", folder.log)
            }
        }
        guard rename(draft.path, folder.data.path) == 0 else {
            throw StackError.system(.cannotUseDirectory, "can't make \(folder.data.path)")
        }
    }

    private func initialise(_ data: URL, log: URL) async throws {
        try account.makePrivateFolder(data)
        let command = [
            "\(programs)/initdb", "-D", data.path, "--username=\(PostgresRecipe.user)", "--auth=trust",
            "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions",
        ]
        guard try await ServerCommand.run(account.command(command), log: log) else { throw failed("initdb", log) }
    }

    private func copyPrimary(_ port: UInt16, to data: URL, log: URL) async throws {
        try account.makePrivateFolder(data)
        let command = [
            "\(programs)/pg_basebackup", "--host=127.0.0.1", "--port=\(port)", "--username=\(PostgresRecipe.user)",
            "--pgdata=\(data.path)", "--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync",
        ]
        guard try await ServerCommand.run(account.command(command), log: log) else {
            throw failed("pg_basebackup", log)
        }
    }

    private func copyTemplate(to data: URL, log: URL) async throws -> Bool {
        guard let template, FileManager.default.fileExists(atPath: template.path) else { return false }
        return try await copy(template, to: data, log: log)
    }

    /// A template is a convenience: without one the next start takes longer, which is no reason to fail this one.
    private func keepTemplate(of data: URL, log: URL) async {
        guard let template else { return }
        let draft = template.appendingPathExtension("\(getpid()).draft")
        defer { try? FileManager.default.removeItem(at: draft) }
        try? FileManager.default.createDirectory(
            at: template.deletingLastPathComponent(), withIntermediateDirectories: true)
        if (try? await copy(data, to: draft, log: log)) == true { rename(draft.path, template.path) }
    }

    /// Owners and modes stay as they are, which the server insists on.
    private func copy(_ source: URL, to target: URL, log: URL) async throws -> Bool {
        try await ServerCommand.run(["/bin/cp", "-a", "--", source.path, target.path], log: log)
    }

    /// One for each build of initdb and each account; never changed once it is there.
    private var template: URL? {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: "\(programs)/initdb"),
            let size = attributes[.size] as? Int, let date = attributes[.modificationDate] as? Date
        else { return nil }
        let build = "\(size)-\(Int(date.timeIntervalSince1970))"
        let owner = if case .other(let name, _, _) = account { name } else { "own" }
        return ServerProgram.cacheFolder?.appendingPathComponent("postgres-\(build)-\(owner)")
    }

    private func failed(_ what: String, _ log: URL) -> StackError {
        StackError(code: .startFailed, message: "\(what) failed; what it said is in \(log.path)")
    }
}
