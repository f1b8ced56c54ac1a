import ClientSupport
import Foundation
import Logging
import Synchronization

/// Runs one server: one process at a time on one folder and one port.
///
/// It lives on a queue of its own, because looking at files and asking servers blocks.
actor ServerHost {
    private let executor: BlockingExecutor
    nonisolated let recipe: any ServerRecipe
    private nonisolated let folder: ServerFolder
    private let options: StackOptions
    private let logger: Logger?
    private let onUnexpectedExit: (@Sendable (ServerExit) -> Void)?
    private let settledPort: Mutex<UInt16>
    private var isPortSettled = false
    private var process: ChildProcess?
    private var suspended: [pid_t] = []
    private var lock: FolderLock?

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    nonisolated var home: URL { folder.home }
    nonisolated var port: UInt16 { settledPort.withLock { $0 } }

    init(
        _ recipe: any ServerRecipe, root: URL, options: StackOptions, logger: Logger?,
        onUnexpectedExit: (@Sendable (ServerExit) -> Void)?
    ) {
        executor = BlockingExecutor(label: "quartet.stack.\(recipe.name)")
        self.recipe = recipe
        folder = ServerFolder(root: root, name: recipe.name)
        self.options = options
        self.logger = logger
        self.onUnexpectedExit = onUnexpectedExit
        settledPort = Mutex(folder.rememberedPort ?? 0)
    }

    func start() async throws {
        guard process == nil else { return }
        let deadline = Deadline.after(options.startTimeout)
        try folder.create()
        let lock = try FolderLock(folder.home)
        if let leftover = folder.rememberedProcess {
            await uncancelled { await self.endLeftover(leftover) }
            guard !owns(leftover) else {
                let problem = "in use by process \(leftover), which won't end"
                throw StackError(code: .inUse, message: "\(folder.home.path) is \(problem)")
            }
            folder.forgetProcess()
        }
        try await recipe.prepare(folder)
        let process = try await launchOnFreePort(deadline: deadline)
        self.process = process
        self.lock = lock
        Task {
            await process.waitForEnd()
            hasEnded(process)
        }
    }

    func stop() async {
        guard let process = takeProcess() else { return }
        thaw(process)
        process.signal(recipe.stopSignal)
        await uncancelled { await process.waitForEnd(until: .after(self.options.stopTimeout)) }
        await uncancelled { await self.endForcibly(process) }
        releaseFolder()
    }

    func kill() async {
        guard let process = takeProcess() else { return }
        await uncancelled { await self.endForcibly(process) }
        releaseFolder()
    }

    /// Ends the server by SIGKILL and removes its data; the next start makes them anew.
    func wipe() async throws {
        await kill()
        do {
            try FileManager.default.removeItem(at: folder.data)
        } catch CocoaError.fileNoSuchFile {
            return
        } catch {
            throw StackError(
                code: .cannotUseDirectory,
                message: "can't remove \(folder.data.path): \(error.localizedDescription)")
        }
    }

    /// Returns once all of it stands still, or has had ten seconds for that.
    func suspend() {
        guard let process else { return }
        let deadline = Deadline.after(.seconds(10))
        // The parent first: from then on there are no new processes to miss.
        process.signal(SIGSTOP)
        waitUntilStill(process.pid, deadline)
        for pid in ProcessTable.descendants(of: process.pid) {
            try? Watchdog.shared().guardProcess(pid, signal: "CONT")
            Foundation.kill(pid, SIGSTOP)
            suspended.append(pid)
        }
        for pid in suspended { waitUntilStill(pid, deadline) }
    }

    /// The signal stops a process's threads one after the other, and until then they work on.
    private func waitUntilStill(_ pid: pid_t, _ deadline: Deadline) {
        while !ProcessTable.isStill(pid), !deadline.isPast { sched_yield() }
    }

    func resume() {
        if let process { thaw(process) }
    }

    /// Sends a signal upon which the server begins to serve or ceases to, and returns when it has; it may end meanwhile.
    ///
    /// - Throws: `StackError` when it has done neither by `deadline`.
    func signal(_ signal: Int32, untilServing isWanted: Bool, deadline: Deadline) async throws {
        guard let process else { return }
        process.signal(signal)
        while process.end == nil, recipe.isServing(port: port) != isWanted {
            if deadline.isPast {
                let state = isWanted ? "does not serve" : "still serves"
                throw StackError(code: .timedOut, message: "\(recipe.name) \(state) after signal \(signal)")
            }
            await process.waitForEnd(until: .after(.milliseconds(20)))
            try Task.checkCancellation()
        }
    }

    /// From here on the end of the process is expected.
    private func takeProcess() -> ChildProcess? {
        defer { process = nil }
        return process
    }

    private func releaseFolder() {
        folder.forgetProcess()
        lock?.release()
        lock = nil
    }

    private func thaw(_ process: ChildProcess) {
        for pid in suspended {
            Foundation.kill(pid, SIGCONT)
            try? Watchdog.shared().release(pid)
        }
        suspended = []
        process.signal(SIGCONT)
    }

    /// SIGKILL for the process and all that it made; returns when they are gone.
    private func endForcibly(_ process: ChildProcess) async {
        guard process.end == nil else { return }
        process.signal(SIGSTOP)
        let family = ProcessTable.descendants(of: process.pid)
        process.signal(SIGKILL)
        for pid in family { Foundation.kill(pid, SIGKILL) }
        for pid in suspended { try? Watchdog.shared().release(pid) }
        suspended = []
        await process.waitForEnd()
        await waitUntilGone(family, deadline: .after(.seconds(5)))
    }

    private func hasEnded(_ ended: ChildProcess) {
        guard process === ended, let end = ended.end else { return }
        process = nil
        releaseFolder()
        let exit = ServerExit(
            server: recipe.name, reason: "\(end)", lastLogLine: recipe.reason(in: folder.logLines(after: 0)))
        logger?.error("\(exit)")
        onUnexpectedExit?(exit)
    }

    /// A port that was free may be taken before the server listens on it: then it gets another, unless clients know it.
    private func launchOnFreePort(deadline: Deadline) async throws -> ChildProcess {
        var attemptsLeft = 3
        while true {
            attemptsLeft -= 1
            if !isPortSettled, port == 0 || !LoopbackPort.isFree(port) {
                let free = try LoopbackPort.free()
                settledPort.withLock { $0 = free }
            }
            do {
                return try await launch(port: port, deadline: deadline)
            } catch let error as StackError where error.code == .startFailed {
                if isPortSettled || attemptsLeft == 0 || LoopbackPort.isFree(port) { throw error }
                logger?.notice("port \(port) was taken meanwhile, \(recipe.name) gets another")
            }
        }
    }

    private func launch(port: UInt16, deadline: Deadline) async throws -> ChildProcess {
        let logStart = try folder.logSize()
        let process = try ChildProcess(
            recipe.command(folder, port: port), log: folder.log, orphanSignal: recipe.orphanSignal)
        do {
            try folder.remember(process: process.pid)
            while !recipe.isServing(port: port) {
                // No server of these tells that it serves, so it is asked; its end is told, and cuts the wait short.
                await process.waitForEnd(until: .after(.milliseconds(20)))
                if let end = process.end { throw startFailed(end, log: folder.logLines(after: logStart)) }
                if deadline.isPast { throw timedOut(log: folder.logLines(after: logStart)) }
                try Task.checkCancellation()
            }
            try await recipe.complete(port: port, deadline: deadline)
            try folder.remember(port: port)
            isPortSettled = true
            return process
        } catch {
            await uncancelled { await self.endForcibly(process) }
            folder.forgetProcess()
            throw error
        }
    }

    private func startFailed(_ end: ChildProcess.End, log: [String]) -> StackError {
        let reason = recipe.reason(in: log) ?? "nothing logged"
        return StackError(code: .startFailed, message: "\(recipe.name) did not start (\(end)): \(reason)")
    }

    private func timedOut(log: [String]) -> StackError {
        let reason = recipe.reason(in: log) ?? "nothing logged"
        return StackError(
            code: .timedOut, message: "\(recipe.name) did not serve within \(options.startTimeout): \(reason)")
    }

    /// Ends the server of an owner that died together with its watchdog. The folder's lock is held, so its owner is gone;
    /// that the process has our data folder among its arguments says that it is the one whose pid we wrote down.
    private func endLeftover(_ pid: pid_t) async {
        guard owns(pid) else { return }
        logger?.notice("ending process \(pid), a \(recipe.name) left behind by an earlier run")
        let family = ProcessTable.descendants(of: pid)
        for process in family + [pid] { Foundation.kill(process, SIGCONT) }
        Foundation.kill(pid, recipe.stopSignal)
        await waitUntilGone([pid], deadline: .after(options.stopTimeout))
        if owns(pid) { Foundation.kill(pid, SIGKILL) }
        await waitUntilGone([pid] + family, deadline: .after(.seconds(5)))
    }

    private func owns(_ pid: pid_t) -> Bool {
        // By itself, or as the value of a setting.
        ProcessTable.arguments(of: pid).contains { $0 == folder.data.path || $0.hasSuffix("=" + folder.data.path) }
            && ProcessTable.isAlive(pid)
    }

    /// Asks /proc: who ends processes that are not ours to wait for is another process.
    private func waitUntilGone(_ processes: [pid_t], deadline: Deadline) async {
        while processes.contains(where: ProcessTable.isAlive) && !deadline.isPast {
            try? await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(10)))
        }
    }
}

/// Runs `body` to its end although the caller may be cancelled: a server must be gone before its folder is given free.
func uncancelled(_ body: @escaping @Sendable () async -> Void) async {
    await Task(operation: body).value
}
