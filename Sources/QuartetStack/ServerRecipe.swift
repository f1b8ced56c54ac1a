import ClientSupport
import Foundation

/// What differs from one kind of server to the next; ``ServerHost`` does the rest.
protocol ServerRecipe: Sendable {
    var name: String { get }
    /// Ends the server gracefully, without waiting for its clients to leave.
    var stopSignal: Int32 { get }
    /// The signal's name that the watchdog sends when this process is gone.
    var orphanSignal: String { get }

    /// Makes the data folder where there is none. Called before each start.
    func prepare(_ folder: ServerFolder) async throws

    /// The command that runs the server in the foreground; the data folder's path is one of its arguments, or the end of one
    /// behind an equals sign.
    func command(_ folder: ServerFolder, port: UInt16) throws -> [String]

    /// Whether the server answers as one that serves; may block for a second.
    func isServing(port: UInt16) -> Bool

    /// What is left to do once it serves. Called after each start.
    func complete(port: UInt16, deadline: Deadline) async throws

    /// The line among the last ones of its log that says best why the server ended.
    func reason(in log: [String]) -> String?
}

extension ServerRecipe {
    func complete(port: UInt16, deadline: Deadline) async throws {}
    func reason(in log: [String]) -> String? { log.last }
}

/// Where one server keeps its things, within a folder that several servers share.
struct ServerFolder: Sendable {
    private static let logBytesMax = 8 << 20

    let home: URL
    let data: URL
    let log: URL

    init(root: URL, name: String) {
        let root = root.standardizedFileURL
        home = root.appendingPathComponent(name)
        data = home.appendingPathComponent("data")
        log = root.appendingPathComponent("log").appendingPathComponent("\(name).log")
    }

    private var portFile: URL { home.appendingPathComponent("port") }
    private var processFile: URL { home.appendingPathComponent("pid") }

    /// Makes the folders; a log that has grown large is set aside.
    func create() throws {
        // A server that runs as a user of its own must pass through; what is inside has its own mode.
        try makeFolder(home, mode: 0o711)
        try makeFolder(log.deletingLastPathComponent(), mode: 0o700)
        do {
            if try logSize() > Self.logBytesMax {
                let old = log.appendingPathExtension("old")
                try? FileManager.default.removeItem(at: old)
                try FileManager.default.moveItem(at: log, to: old)
            }
        } catch {
            throw StackError(
                code: .cannotUseDirectory, message: "can't set \(log.path) aside: \(error.localizedDescription)")
        }
    }

    /// Makes the data folder of a server that runs as this process's user.
    func createData() throws { try makeFolder(data, mode: 0o700) }

    var rememberedPort: UInt16? { number(in: portFile) }
    func remember(port: UInt16) throws { try write(Int(port), to: portFile) }

    var rememberedProcess: pid_t? { number(in: processFile) }
    func remember(process: pid_t) throws { try write(Int(process), to: processFile) }
    func forgetProcess() { try? FileManager.default.removeItem(at: processFile) }

    func logSize() throws -> Int {
        guard FileManager.default.fileExists(atPath: log.path) else { return 0 }
        return try FileManager.default.attributesOfItem(atPath: log.path)[.size] as? Int ?? 0
    }

    /// The last lines that were logged after the first `offset` bytes, at most 16 KiB of them.
    func logLines(after offset: Int) -> [String] {
        guard let file = try? FileHandle(forReadingFrom: log), let end = try? file.seekToEnd() else { return [] }
        defer { try? file.close() }
        let tail: UInt64 = end > 16_384 ? end - 16_384 : 0
        guard (try? file.seek(toOffset: max(UInt64(offset), tail))) != nil, let bytes = try? file.readToEnd() else {
            return []
        }
        return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).map(String.init)
    }

    private func makeFolder(_ folder: URL, mode: Int) throws {
        do {
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: mode])
        } catch {
            throw StackError(
                code: .cannotUseDirectory, message: "can't make \(folder.path): \(error.localizedDescription)")
        }
    }

    private func number<Number: FixedWidthInteger>(in file: URL) -> Number? {
        guard let text = try? String(contentsOf: file, encoding: .utf8) else { return nil }
        return Number(text.trimmingCharacters(in: .whitespacesAndNewlines))
    }

    private func write(_ number: Int, to file: URL) throws {
        do {
            try Data("\(number)\n".utf8).write(to: file, options: .atomic)
        } catch {
            throw StackError(
                code: .cannotUseDirectory, message: "can't write \(file.path): \(error.localizedDescription)")
        }
    }
}
