import Foundation

/// The user that a server runs as.
enum ServerAccount: Sendable, Hashable {
    /// The user that this process runs as.
    case own
    /// Another one, which only root can become.
    case other(name: String, user: uid_t, group: gid_t)

    /// PostgreSQL refuses to run as root, so from root it runs as the user that its package made.
    static func forPostgres() throws -> ServerAccount {
        guard geteuid() == 0 else { return .own }
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16_384)
        guard getpwnam_r("postgres", &entry, &buffer, buffer.count, &found) == 0, found != nil else {
            throw StackError(
                code: .missingProgram,
                message: "PostgreSQL does not run as root and there is no user postgres; "
                    + "make one with: useradd --system postgres")
        }
        return .other(name: "postgres", user: entry.pw_uid, group: entry.pw_gid)
    }

    /// `command` as this user, with the same pid.
    func command(_ command: [String]) -> [String] {
        guard case .other(_, let user, let group) = self else { return command }
        return ["/usr/bin/setpriv", "--reuid=\(user)", "--regid=\(group)", "--clear-groups", "--"] + command
    }

    /// Makes an empty folder that only this user can enter.
    func makePrivateFolder(_ folder: URL) throws {
        guard mkdir(folder.path, 0o700) == 0 else {
            throw StackError.system(.cannotUseDirectory, "can't make \(folder.path)")
        }
        guard case .other(let name, let user, let group) = self else { return }
        guard chown(folder.path, user, group) == 0 else {
            throw StackError.system(.cannotUseDirectory, "can't give \(folder.path) to the user \(name)")
        }
    }

    /// - Throws: `StackError` that names the first folder on the way to `folder` which this user may not enter.
    func checkReach(_ folder: URL, log: URL) async throws {
        guard case .other(let name, _, _) = self, try await !canEnter(folder, log: log) else { return }
        for last in folder.pathComponents.indices {
            let step = URL(fileURLWithPath: NSString.path(withComponents: Array(folder.pathComponents[...last])))
            if try await canEnter(step, log: log) { continue }
            throw StackError(
                code: .cannotUseDirectory,
                message: "\(folder.path) can't be used: the server runs as \(name), who may not enter \(step.path); "
                    + "take a folder elsewhere, such as /var/lib/quartet")
        }
    }

    private func canEnter(_ folder: URL, log: URL) async throws -> Bool {
        try await ServerCommand.run(command(["/usr/bin/test", "-x", folder.path]), log: log)
    }
}

/// Programs that prepare a data folder and end.
enum ServerCommand {
    /// Whether `command` ended with status 0; what it says goes to `log`.
    static func run(_ command: [String], log: URL) async throws -> Bool {
        let process = try ChildProcess(command, log: log, orphanSignal: "TERM")
        await process.waitForEnd()
        process.signal(SIGKILL)  // still there only when the caller was cancelled
        await uncancelled { await process.waitForEnd() }
        try Task.checkCancellation()
        return process.end == .status(0)
    }
}
